using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Estafette.Differ.Sandbox;

/// <summary>
/// The only name server of a sandbox, over UDP: `NAME TYPE VALUE` with A, AAAA, MX, TXT, PTR, CNAME, or `NAME SERVFAIL`. An A record brings its PTR along unless one is given.
/// All else does not exist.
/// </summary>
internal sealed class NameServer
{
    private static readonly Dictionary<string, ushort> s_types = new() { ["A"] = 1, ["CNAME"] = 5, ["PTR"] = 12, ["MX"] = 15, ["TXT"] = 16, ["AAAA"] = 28 };
    private readonly Dictionary<string, List<(ushort Type, byte[] Data)>> _records = [];
    private readonly HashSet<string> _failing = [];

    public NameServer(IEnumerable<string> lines)
    {
        foreach (string[] words in lines.Select(l => l.Split(' ', 3, StringSplitOptions.RemoveEmptyEntries)))
        {
            string name = Canonical(words[0]);
            if (words[1] == "SERVFAIL")
            {
                _failing.Add(name);
                continue;
            }
            Add(name, words[1], words[2]);
            if (words[1] == "A")
            {
                string reverse = string.Join('.', words[2].Split('.').Reverse()) + ".in-addr.arpa";
                if (!_records.ContainsKey(reverse))
                    Add(reverse, "PTR", name);
            }
        }
    }

    public void Serve(IPAddress at)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(at, 53));
        new Thread(() => Answer(socket)) { IsBackground = true }.Start();
    }

    private void Answer(Socket socket)
    {
        byte[] question = new byte[4096];
        while (true)
        {
            EndPoint from = new IPEndPoint(IPAddress.Any, 0);
            int length = socket.ReceiveFrom(question, ref from);
            if (length > 12)
                socket.SendTo(Reply(question.AsSpan(0, length)), from);
        }
    }

    private byte[] Reply(ReadOnlySpan<byte> query)
    {
        int end = 12;
        var name = new StringBuilder();
        for (int size; (size = query[end]) != 0; end += size + 1)
            name.Append(name.Length > 0 ? "." : "").Append(Encoding.Latin1.GetString(query.Slice(end + 1, size)));
        ushort type = BinaryPrimitives.ReadUInt16BigEndian(query[(end + 1)..]);
        string asked = Canonical(name.ToString());
        var answers = new List<(string Name, ushort Type, byte[] Data)>();
        int code = _failing.Contains(asked) ? 2 : Collect(asked, type, answers);

        var reply = new MemoryStream();
        void Number(int value) => reply.Write([(byte)(value >> 8), (byte)value]);
        reply.Write(query[..2]);
        Number(0x8480 | (query[2] & 1) << 8 | code);
        Number(1);
        Number(answers.Count);
        // A denial carries an SOA, so that it may be kept.
        bool denial = answers.Count == 0 && code is 0 or 3;
        Number(denial ? 1 : 0);
        Number(0);
        reply.Write(query[12..(end + 5)]);
        foreach ((string owner, ushort of, byte[] data) in denial ? [("", (ushort)6, (byte[])[0, 0, .. new byte[19], 60])] : answers)
        {
            reply.Write(Name(owner));
            Number(of);
            Number(1);
            Number(0);
            Number(60);
            Number(data.Length);
            reply.Write(data);
        }
        return reply.ToArray();
    }

    private int Collect(string name, ushort type, List<(string, ushort, byte[])> answers)
    {
        for (int step = 0; step < 6; step++)
        {
            if (!_records.TryGetValue(name, out List<(ushort Type, byte[] Data)>? all))
                return answers.Count == 0 && !_records.Keys.Any(k => k.EndsWith("." + name, StringComparison.Ordinal)) ? 3 : 0;
            answers.AddRange(all.Where(r => r.Type == type || type == 255).Select(r => (name, r.Type, r.Data)));
            (ushort Type, byte[] Data) alias = all.FirstOrDefault(r => r.Type == 5);
            if (alias.Data is null || type is 5 or 255)
                return 0;
            answers.Add((name, 5, alias.Data));
            name = Text(alias.Data);
        }
        return 0;
    }

    private void Add(string name, string type, string value)
    {
        byte[] data = type switch
        {
            "A" or "AAAA" => IPAddress.Parse(value).GetAddressBytes(),
            "MX" => [0, byte.Parse(value.Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture), .. Name(value.Split(' ')[1])],
            "TXT" => [(byte)value.Length, .. Encoding.Latin1.GetBytes(value)],
            _ => Name(value),
        };
        if (!_records.TryGetValue(name, out List<(ushort, byte[])>? all))
            _records[name] = all = [];
        all.Add((s_types[type], data));
    }

    private static string Canonical(string name) => name.TrimEnd('.').ToLowerInvariant();

    private static byte[] Name(string name) =>
        [.. Canonical(name).Split('.', StringSplitOptions.RemoveEmptyEntries).SelectMany(label => (byte[])[(byte)label.Length, .. Encoding.Latin1.GetBytes(label)]), 0];

    private static string Text(byte[] name)
    {
        var labels = new List<string>();
        for (int at = 0; name[at] != 0; at += name[at] + 1)
            labels.Add(Encoding.Latin1.GetString(name, at + 1, name[at]));
        return string.Join('.', labels);
    }
}
