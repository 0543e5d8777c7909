using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Estafette.Bench;

// TlsLoad SERVER-PORT SINK-PORT CERT KEY MESSAGES PER-SESSION [WARM-UP]
// Sends messages of 4 KiB over STARTTLS through the server on 127.0.0.1, whose smarthost is the sink in this process, and prints
// "accepted/s delivered/s". 50 sessions at a time; PER-SESSION 0 means as many as come.
const int Sessions = 50;
if (args.Length is < 6 or > 7)
{
    Console.Error.WriteLine("usage: TlsLoad SERVER-PORT SINK-PORT CERT KEY MESSAGES PER-SESSION [WARM-UP]");
    return 64;
}
var server = new IPEndPoint(IPAddress.Loopback, Number(args[0]));
using var sink = new TlsSink(new IPEndPoint(IPAddress.Loopback, Number(args[1])), X509Certificate2.CreateFromPemFile(args[2], args[3]));
int messages = Number(args[4]);
int perSession = Number(args[5]) is 0 ? int.MaxValue : Number(args[5]);
byte[] message = Encoding.ASCII.GetBytes("From: driver@bench.test\r\nTo: user@relay.test\r\nSubject: load\r\n\r\n" + string.Concat(Enumerable.Repeat(new string('x', 78) + "\r\n", 50)) + ".\r\n");

await RunAsync(args.Length > 6 ? Number(args[6]) : 500);
(double accepted, double delivered) = await RunAsync(messages);
Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{messages / accepted:F0} {messages / delivered:F0}"));
return 0;

async Task<(double Accepted, double Delivered)> RunAsync(int count)
{
    long before = sink.Messages;
    int left = count;
    var clock = Stopwatch.StartNew();
    await Task.WhenAll(Enumerable.Range(0, Sessions).Select(_ => Task.Run(async () =>
    {
        while (Volatile.Read(ref left) > 0)
        {
            using var client = new TlsClient(server);
            await client.OpenAsync();
            for (int sent = 0; sent < perSession && Interlocked.Decrement(ref left) >= 0; sent++)
                await client.SendAsync(message);
            await client.QuitAsync();
        }
    })));
    double accepted = clock.Elapsed.TotalSeconds;
    while (sink.Messages - before < count && clock.Elapsed < TimeSpan.FromMinutes(5))
        await Task.Delay(5);
    double delivered = clock.Elapsed.TotalSeconds;
    if (sink.Messages - before != count)
        throw new InvalidOperationException($"{count} messages were sent, {sink.Messages - before} arrived");
    return (accepted, delivered);
}

static int Number(string text) => int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);
