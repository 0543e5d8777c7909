using System.Buffers;
using System.Globalization;
using System.Text;

namespace Estafette.Events;

/// <summary>
/// Builds one line of the text log as UTF-8. Everything that came from outside goes through <see cref="Foreign"/>, which no control
/// character, quote or angle bracket survives unescaped, so that nobody can write a line of their own or steer fail2ban (E55).
/// </summary>
public sealed class LogLine
{
    /// <summary>Octets of one foreign value that a line shows; the rest is told by its length.</summary>
    public const int MaximumForeign = 1024;

    private readonly ArrayBufferWriter<byte> _octets = new(512);

    public ReadOnlySpan<byte> Octets => _octets.WrittenSpan;

    public bool IsEmpty => _octets.WrittenCount == 0;

    public void Clear() => _octets.ResetWrittenCount();

    /// <summary>Our own words.</summary>
    public LogLine Text(string text)
    {
        Encoding.UTF8.GetBytes(text, _octets);
        return this;
    }

    public LogLine Number(long value)
    {
        value.TryFormat(_octets.GetSpan(20), out int written, default, CultureInfo.InvariantCulture);
        _octets.Advance(written);
        return this;
    }

    public LogLine Hex16(ulong value)
    {
        value.TryFormat(_octets.GetSpan(16), out int written, "x16", CultureInfo.InvariantCulture);
        _octets.Advance(written);
        return this;
    }

    /// <summary>A duration in seconds with as much precision as its size makes useful, as Postfix writes delays.</summary>
    public LogLine Seconds(TimeSpan time)
    {
        double seconds = Math.Max(0, time.TotalSeconds);
        string format = seconds >= 10 ? "F0" : seconds >= 1 ? "0.#" : "0.##";
        return Text(seconds.ToString(format, CultureInfo.InvariantCulture));
    }

    public LogLine Date(DateTimeOffset at, string format) => Text(at.ToString(format, CultureInfo.InvariantCulture));

    /// <summary>Words from outside, escaped and bounded.</summary>
    public LogLine Foreign(string? text)
    {
        if (text is null)
            return this;
        ReadOnlySpan<char> shown = text.AsSpan(0, Math.Min(text.Length, MaximumForeign));
        int plain = shown.IndexOfAnyExcept(s_plain);
        if (plain < 0)
            return Chars(shown);
        Chars(shown[..plain]);
        foreach (char c in shown[plain..])
            Escape(c);
        if (shown.Length < text.Length)
            Text("...(").Number(text.Length).Text(" characters)");
        return this;
    }

    /// <summary>Words from outside that stand between double quotes: angle brackets stay readable, nothing can end the quotes or the line.</summary>
    public LogLine Quoted(string text)
    {
        Text("\"");
        foreach (char c in text.AsSpan(0, Math.Min(text.Length, MaximumForeign)))
        {
            if (c is '<' or '>')
                Chars([c]);
            else
                Escape(c);
        }
        return Text(text.Length > MaximumForeign ? "...\"" : "\"");
    }

    /// <summary>A line of our own that quotes words from outside: whatever could end or hide the line is escaped, quotes and brackets stay readable.</summary>
    public LogLine Visible(string text)
    {
        ReadOnlySpan<char> rest = text;
        while (!rest.IsEmpty)
        {
            int shown = rest.IndexOfAnyExcept(s_visible);
            if (shown < 0)
                return Chars(rest);
            Chars(rest[..shown]);
            Escape(rest[shown]);
            rest = rest[(shown + 1)..];
        }
        return this;
    }

    private const string Plain = " !#$%&'()*+,-./0123456789:;=?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~";
    private static readonly SearchValues<char> s_plain = SearchValues.Create(Plain);
    private static readonly SearchValues<char> s_visible = SearchValues.Create(Plain + "\"\\<>");

    private LogLine Chars(ReadOnlySpan<char> text)
    {
        Encoding.UTF8.GetBytes(text, _octets);
        return this;
    }

    private void Escape(char c)
    {
        switch (c)
        {
            case '"' or '\\':
                Text(c == '"' ? "\\\"" : "\\\\");
                break;
            case '<' or '>':
                // Addresses stand between angle brackets in every style: one from outside must not close them.
                Text(c == '<' ? "\\074" : "\\076");
                break;
            case < ' ' or '\x7f' or (>= '\x80' and < '\xa0') or '\u2028' or '\u2029':
                Text("\\" + Convert.ToString(c, 8).PadLeft(3, '0'));
                break;
            default:
                if (char.IsSurrogate(c))
                    Text("?");
                // Invisible ones, and those that turn the direction of what follows.
                else if (char.GetUnicodeCategory(c) == UnicodeCategory.Format)
                    Text("\\" + Convert.ToString(c, 8));
                else
                    Chars([c]);
                break;
        }
    }
}
