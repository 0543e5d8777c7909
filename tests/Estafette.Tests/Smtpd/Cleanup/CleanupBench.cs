using System.Collections.Immutable;
using System.Text;
using Estafette.Config.Model;
using Estafette.Events;
using Estafette.Mail;
using Estafette.Smtpd.Cleanup;
using Estafette.Tables;

namespace Estafette.Tests.Smtpd.Cleanup;

/// <summary>One message through cleanup, in pieces of a chosen size; its tables are pcre rules.</summary>
internal sealed class CleanupBench : IEventReader
{
    public const string Trace = "Received: from client.test (unknown [192.0.2.1])\r\n\tby mx.test (Postfix) with ESMTP id 1;\r\n\tnow\r\n";

    private readonly ImmutableDictionary<string, TableConfig>.Builder _tables = ImmutableDictionary.CreateBuilder<string, TableConfig>();
    private readonly List<MailEvent> _events = [];

    public CleanupConfig Config { get; set; } = new();
    public HeaderContext Context { get; set; }
    public bool Bounces { get; set; }
    public string FullName { get; set; } = "";

    /// <summary>Told of addresses without a domain and gives them this one.</summary>
    public string Origin { get; set; } = "mx.test";
    public CleanupFindings Findings { get; private set; } = new();
    public string MessageId { get; private set; } = "";
    public IEnumerable<ContentNoted> Noted => _events.OfType<ContentNoted>();
    public IEnumerable<string> Warnings => _events.OfType<OperatorWarning>().Select(w => w.Text);

    public void On(MailEvent mailEvent) => _events.Add(mailEvent);

    public ImmutableArray<string> Rules(string name, params string[] rules)
    {
        _tables[name] = new TableConfig { Name = name, Kind = TableKind.Pcre, Values = [.. rules], At = SourceSpan.None };
        return [name];
    }

    public ImmutableArray<string> Broken()
    {
        _tables["fail:x"] = new TableConfig { Name = "fail:x", Kind = TableKind.Fail, At = SourceSpan.None };
        return ["fail:x"];
    }

    /// <summary>What comes out behind our own Received field.</summary>
    public string Run(string message, int pieceSize = int.MaxValue)
    {
        string all = RunWhole(message, pieceSize);
        return all.StartsWith(Trace, StringComparison.Ordinal) ? all[Trace.Length..] : all;
    }

    public string RunWhole(string message, int pieceSize = int.MaxValue)
    {
        var clock = TimeProvider.System;
        var config = new MailConfig { Dialect = Dialect.Postfix, Source = "", HostName = "mx.test", Tables = _tables.ToImmutable() };
        var tables = new TableSet(config, new SystemUsers(clock), clock, _ => { });
        using var output = new MemoryStream();
        var subject = new CleanupSubject
        {
            Id = new(0x0123456789ABCDEF),
            Arrival = new(2026, 11, 21, 1, 2, 3, TimeSpan.Zero),
            HostName = "mx.test",
            Sender = "a@client.test",
            Origin = "unknown[192.0.2.1]",
            FirstRecipient = "alice@mx.test",
            Protocol = "ESMTP",
            Helo = "client.test",
            FullName = FullName,
            Context = Context,
            Bounces = Bounces,
        };
        var tools = new CleanupTools(tables, (q, _) => ValueTask.FromResult<string?>(q.Address.Contains('@', StringComparison.Ordinal) ? q.Address : q.Address + "@" + Origin), new EventSink(clock, this));
        var cleanup = new MessageCleanup(Config, subject, tools, (octets, _) =>
        {
            output.Write(octets.Span);
            return ValueTask.CompletedTask;
        });
        Feed(cleanup, Encoding.Latin1.GetBytes(message), pieceSize).AsTask().Wait();
        Findings = cleanup.Findings;
        MessageId = cleanup.HeaderMessageId;
        return Encoding.Latin1.GetString(output.ToArray());
    }

    private static async ValueTask Feed(MessageCleanup cleanup, byte[] octets, int pieceSize)
    {
        await cleanup.BeginAsync(Encoding.ASCII.GetBytes(Trace), CancellationToken.None);
        for (int at = 0; at < octets.Length; at += Math.Min(pieceSize, octets.Length - at))
        {
            // A buffer of its own for each piece, overwritten behind it: nothing may be kept.
            byte[] piece = octets[at..(at + Math.Min(pieceSize, octets.Length - at))];
            await cleanup.TakeAsync(piece, CancellationToken.None);
            piece.AsSpan().Fill((byte)'!');
        }
        await cleanup.CompleteAsync(CancellationToken.None);
    }
}
