using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;

namespace Estafette.Mail;

/// <summary>
/// The bytes of <see cref="LocalActions"/>: a mark with the version, then counts and length-prefixed UTF-8 strings, and nothing after
/// them. Reading is total: damaged or foreign bytes give false, never an exception.
/// </summary>
public static class LocalActionsCodec
{
    /// <summary>Octets of a file that is taken in.</summary>
    public const int MaximumSize = 16 << 20;

    private static ReadOnlySpan<byte> Mark => "ESTAFETTE-LOCAL 3\n"u8;

    public static byte[] Encode(LocalActions actions)
    {
        var writer = new Writer();
        writer.Text(actions.HostName);
        writer.Number((int)actions.Style);
        writer.Text(actions.AliasUser);
        writer.Text(actions.SubaddressDelimiters);
        writer.Number(actions.CommandRunMilliseconds);
        writer.Number(actions.Actions.Count);
        foreach (LocalAction action in actions.Actions.Values.OrderBy(a => a.Name, StringComparer.Ordinal))
        {
            writer.Text(action.Name);
            writer.Number((int)action.Method);
            writer.Text(action.Template);
            writer.Number(action.JunkFolder ? 1 : 0);
            writer.Text(action.RunAs);
            writer.Text(action.UserTable);
            LocalRulesCodec.Write(writer, action);
        }
        Write(writer, actions.AliasTargets);
        Write(writer, actions.UserCommands);
        writer.Number(actions.Users.Count);
        foreach (((string table, string _), LocalUser user) in actions.Users.OrderBy(u => u.Key.Table, StringComparer.Ordinal).ThenBy(u => u.Key.User, StringComparer.Ordinal))
        {
            writer.Text(table);
            writer.Text(user.Name);
            writer.Number((int)user.Uid);
            writer.Number((int)user.Gid);
            writer.Text(user.Home);
        }
        writer.Number(actions.LoginServices.Count);
        foreach (string service in actions.LoginServices.Order(StringComparer.Ordinal))
            writer.Text(service);
        return [.. Mark, .. writer.Bytes];
    }

    public static bool TryDecode(ReadOnlySpan<byte> bytes, out LocalActions? actions)
    {
        actions = null;
        if (bytes.Length > MaximumSize || !bytes.StartsWith(Mark))
            return false;
        var reader = new Reader(bytes[Mark.Length..]);
        var head = new LocalActions
        {
            HostName = reader.Text(),
            Style = (MailboxStyle)reader.Number(),
            AliasUser = reader.Text(),
            SubaddressDelimiters = reader.Text(),
            CommandRunMilliseconds = reader.Number(),
        };
        var byName = head.Actions.ToBuilder();
        for (int n = reader.Number(); n > 0 && reader.Good; n--)
        {
            var action = new LocalAction(reader.Text(), (LocalMethodKind)reader.Number(), reader.Text())
            {
                JunkFolder = reader.Number() != 0,
                RunAs = reader.Text(),
                UserTable = reader.Text(),
            };
            action = LocalRulesCodec.Read(ref reader, action);
            byName[action.Name] = action;
        }
        ImmutableDictionary<string, LocalTarget> targets = ReadTargets(ref reader), commands = ReadTargets(ref reader);
        var users = head.Users.ToBuilder();
        for (int n = reader.Number(); n > 0 && reader.Good; n--)
        {
            string table = reader.Text();
            var user = new LocalUser(reader.Text(), (uint)reader.Number(), (uint)reader.Number(), reader.Text());
            users[(table, user.Name)] = user;
        }
        var services = head.LoginServices.ToBuilder();
        for (int n = reader.Number(); n > 0 && reader.Good; n--)
            services.Add(reader.Text());
        if (!reader.Good || !reader.AtEnd || head.CommandRunMilliseconds <= 0)
            return false;
        actions = head with { Actions = byName.ToImmutable(), AliasTargets = targets, UserCommands = commands, Users = users.ToImmutable(), LoginServices = services.ToImmutable() };
        return true;
    }

    private static void Write(Writer writer, ImmutableDictionary<string, LocalTarget> targets)
    {
        writer.Number(targets.Count);
        foreach (LocalTarget target in targets.Values.OrderBy(t => t.Text, StringComparer.Ordinal).ThenBy(t => t.IsCommand))
        {
            writer.Number(target.IsCommand ? 1 : 0);
            writer.Text(target.Text);
            writer.Text(target.RunAs ?? "");
        }
    }

    private static ImmutableDictionary<string, LocalTarget> ReadTargets(ref Reader reader)
    {
        var targets = ImmutableDictionary.CreateBuilder<string, LocalTarget>(StringComparer.Ordinal);
        for (int n = reader.Number(); n > 0 && reader.Good; n--)
        {
            var target = new LocalTarget(reader.Number() != 0, reader.Text());
            string runAs = reader.Text();
            targets[LocalActions.DigestOf(target)] = runAs.Length == 0 ? target : target with { RunAs = runAs };
        }
        return targets.ToImmutable();
    }

    internal sealed class Writer
    {
        private readonly List<byte> _bytes = [];

        public IReadOnlyCollection<byte> Bytes => _bytes;

        public void Number(int value)
        {
            Span<byte> octets = stackalloc byte[4];
            BinaryPrimitives.WriteInt32LittleEndian(octets, value);
            _bytes.AddRange(octets);
        }

        public void Text(string value)
        {
            byte[] octets = Encoding.UTF8.GetBytes(value);
            Number(octets.Length);
            _bytes.AddRange(octets);
        }
    }

    /// <summary>After the first thing that does not fit, everything reads as zero and empty, and <see cref="Good"/> is false.</summary>
    internal ref struct Reader(ReadOnlySpan<byte> rest)
    {
        private ReadOnlySpan<byte> _rest = rest;

        public bool Good { get; private set; } = true;
        public readonly bool AtEnd => _rest.IsEmpty;

        public int Number()
        {
            if (!Good || _rest.Length < 4)
            {
                Good = false;
                return 0;
            }
            int value = BinaryPrimitives.ReadInt32LittleEndian(_rest);
            _rest = _rest[4..];
            return value;
        }

        public string Text()
        {
            int length = Number();
            if (!Good || (uint)length > (uint)_rest.Length)
            {
                Good = false;
                return "";
            }
            string value = Encoding.UTF8.GetString(_rest[..length]);
            _rest = _rest[length..];
            return value;
        }
    }
}
