using System.Globalization;
using System.Text;

namespace Estafette.Differ.Cases;

/// <summary>The mail of a case: sessions from several clients, some commands beside the usual ones, and mail handed to sendmail(1).</summary>
internal static class Correspondence
{
    private static readonly string[] s_extras = ["NOOP", "RSET", "VRFY alice", "VRFY nosuch", "VRFY someone@far.test", "EXPN alice", "HELP", "ETRN far.test", "ETRN here.test", "XFOO", "EHLO again.test", "RCPT TO:<alice@here.test>", "DATA", "MAIL FROM", "RCPT", "VRFY", "STARTTLS", "AUTH PLAIN AGEAYg=="];

    public static string Write(Case made)
    {
        Dice dice = made.Dice;
        var steps = new StringBuilder();
        int number = 0;
        for (int session = dice.Number(2, 4); session > 0; session--)
            Session(made, steps, ref number);
        for (int call = dice.Number(0, 2); call > 0; call--)
            Submission(made, steps, ++number);
        return steps.ToString();
    }

    private static void Session(Case made, StringBuilder steps, ref int number)
    {
        Dice dice = made.Dice;
        steps.Append(CultureInfo.InvariantCulture, $"smtp from={dice.One(made.Clients)}\n");
        if (dice.Chance(95))
            steps.Append(CultureInfo.InvariantCulture, $"> {dice.One("EHLO", "EHLO", "EHLO", "HELO")} {dice.One(made.Hellos)}\n");
        for (int mail = dice.Number(1, 3); mail > 0; mail--)
        {
            if (dice.Chance(12))
                steps.Append(CultureInfo.InvariantCulture, $"> {dice.One(s_extras)}\n");
            string parameters = dice.Chance(12) ? dice.One(" SIZE=1000", " BODY=8BITMIME", " RET=HDRS", " ENVID=abc", " FOO=1", " SMTPUTF8") : "";
            steps.Append(CultureInfo.InvariantCulture, $"> MAIL FROM:<{dice.One(made.Senders)}>{parameters}\n");
            for (int recipient = dice.Number(1, 4); recipient > 0; recipient--)
                steps.Append(CultureInfo.InvariantCulture, $"> RCPT TO:<{dice.One(made.Recipients)}>{(dice.Chance(5) ? dice.One(" NOTIFY=NEVER", " NOTIFY=SUCCESS,FAILURE", " ORCPT=rfc822;first@client.test", " NOTIFY=FAILURE") : "")}\n");
            steps.Append("> DATA\n").Append(Message(made, ++number));
            if (dice.Chance(85))
                steps.Append("> RSET\n");
        }
        steps.Append("> QUIT\n");
    }

    private static void Submission(Case made, StringBuilder steps, int number)
    {
        Dice dice = made.Dice;
        string[] recipients = [.. Enumerable.Range(0, dice.Number(1, 3)).Select(_ => dice.One(made.Recipients)).Where(r => r.All(c => char.IsAsciiLetterOrDigit(c) || c is '@' or '.' or '+') && r.Length > 0 && r[0] != '@').DefaultIfEmpty("bob@here.test")];
        string sender = dice.One("", "", "-f a@client.test ", "-f alice ", "-f \"\" ", "-F 'Full Name' ");
        string user = dice.One("", "as=alice ", "as=dave ");
        steps.Append(CultureInfo.InvariantCulture, $"run {user}sendmail {sender}{dice.One("", "-i ", "-oi ")}{string.Join(' ', recipients)}\n").Append(Message(made, number));
    }

    private static string Message(Case made, int number)
    {
        Dice dice = made.Dice;
        var text = new StringBuilder();
        IReadOnlyList<string> more = made.HeaderLines.Count > 0 ? dice.Some(0, 3, made.HeaderLines.Distinct()) : [];
        bool Has(string name) => more.Any(m => m.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase));
        foreach (string header in more.Where(m => m.StartsWith("Received", StringComparison.Ordinal)))
            text.Append(header).Append('\n');
        if (!Has("From") && dice.Chance(95))
            text.Append("From: Sender <sender@client.test>\n");
        if (!Has("To") && dice.Chance(90))
            text.Append(dice.One("To: alice@here.test\n", "To: Someone <someone@far.test>, bob@here.test\n"));
        text.Append(CultureInfo.InvariantCulture, $"Subject: message {number}\n");
        if (dice.Chance(90))
            text.Append("Date: Mon, 01 Jan 2024 10:00:00 +0000\n");
        if (dice.Chance(85))
            text.Append(CultureInfo.InvariantCulture, $"Message-ID: <number.{number}@client.test>\n");
        foreach (string header in more.Where(m => !m.StartsWith("Received", StringComparison.Ordinal)))
            text.Append(header).Append('\n');
        if (dice.Chance(8))
            text.Append(dice.One("Bcc: carol@here.test\n", "Return-Path: <old@client.test>\n", "Delivered-To: alice@here.test\n", "Delivered-To: alice@mx.here.test\n", "X-8bit: café\n", "not a header line\n"));
        text.Append('\n').Append(CultureInfo.InvariantCulture, $"This is message {number}.\n");
        if (made.BodyLines.Count > 0 && dice.Chance(60))
            text.Append(dice.One(made.BodyLines)).Append('\n');
        if (dice.Chance(10))
            text.Append(dice.One("From the start.\n", ".\n", ".dot\n", "café\n", "\n\n"));
        return string.Concat(text.ToString().TrimEnd('\n').Split('\n').Select(l => "| " + l + "\n"));
    }
}
