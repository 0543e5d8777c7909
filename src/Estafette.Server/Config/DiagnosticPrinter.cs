using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;
using Estafette.Config.Model;

namespace Estafette.Config;

/// <summary>
/// Writes findings for people (<c>path:line:column: error: message</c>, the line, a caret, <c>cure: ...</c>) or for programs (JSON).
/// Control characters of the file are never passed on to the terminal (E55), secrets never to a log (E54), and a long line is shown around its caret only.
/// </summary>
public sealed partial class DiagnosticPrinter(ImmutableDictionary<string, SourceText> sources, DiagnosticStyle style = DiagnosticStyle.Plain)
{
    private const int WidestLine = 120;
    private const string Red = "\e[1;31m";
    private const string Yellow = "\e[1;33m";
    private const string Blue = "\e[1;36m";
    private const string Bold = "\e[1m";
    private const string Off = "\e[0m";

    public string Print(IEnumerable<Diagnostic> diagnostics)
    {
        var text = new StringBuilder();
        foreach (Diagnostic diagnostic in diagnostics)
            Print(text, diagnostic);
        return text.ToString();
    }

    /// <summary>The first line only, as a daemon logs it.</summary>
    public static string OneLine(Diagnostic diagnostic)
    {
        string place = Place(diagnostic.At);
        string cure = diagnostic.Cure is null ? "" : " (" + Visible(diagnostic.Cure) + ")";
        return place + Word(diagnostic.Severity) + ": " + Visible(diagnostic.Message) + cure;
    }

    /// <summary>An array of objects: severity, file, line, column, length, message and, where there is one, cure.</summary>
    public static string Json(IEnumerable<Diagnostic> diagnostics)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartArray();
            foreach (Diagnostic diagnostic in diagnostics)
            {
                json.WriteStartObject();
                json.WriteString("severity", Word(diagnostic.Severity));
                json.WriteString("file", diagnostic.At.File);
                json.WriteNumber("line", diagnostic.At.Line);
                json.WriteNumber("column", diagnostic.At.Column);
                json.WriteNumber("length", diagnostic.At.Length);
                json.WriteString("message", diagnostic.Message);
                if (diagnostic.Cure is not null)
                    json.WriteString("cure", diagnostic.Cure);
                json.WriteEndObject();
            }
            json.WriteEndArray();
        }
        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    private void Print(StringBuilder text, Diagnostic diagnostic)
    {
        bool colour = style == DiagnosticStyle.Colour;
        string tint = diagnostic.Severity switch { Severity.Error => Red, Severity.Warning => Yellow, _ => Blue };
        if (colour)
            text.Append(Bold).Append(Place(diagnostic.At)).Append(Off).Append(tint).Append(Word(diagnostic.Severity)).Append(Off);
        else
            text.Append(Place(diagnostic.At)).Append(Word(diagnostic.Severity));
        text.Append(": ").Append(Visible(diagnostic.Message)).Append('\n');
        if (diagnostic.At.Line > 0 && sources.TryGetValue(diagnostic.At.File, out SourceText? source))
            PrintLine(text, WithoutSecrets(source.Line(diagnostic.At.Line)), diagnostic.At, colour ? tint : null);
        if (diagnostic.Cure is not null)
            text.Append("  cure: ").Append(Visible(diagnostic.Cure)).Append('\n');
    }

    private static void PrintLine(StringBuilder text, string line, SourceSpan at, string? tint)
    {
        int column = Math.Min(at.Column - 1, line.Length);
        int first = line.Length <= WidestLine ? 0 : Math.Max(0, Math.Min(column - (WidestLine / 2), line.Length - WidestLine));
        string shown = line.Substring(first, Math.Min(WidestLine, line.Length - first));
        text.Append("    ").Append(Visible(shown, keepTabs: true)).Append('\n').Append("    ");

        // A tab before the caret stays a tab, so that both lines move alike whatever its width is.
        foreach (char c in shown.AsSpan(0, column - first))
            text.Append(c == '\t' ? '\t' : ' ');
        int length = Math.Clamp(at.Length, 1, Math.Max(1, shown.Length - (column - first)));
        text.Append(tint).Append('^').Append('~', length - 1).Append(tint is null ? "" : Off).Append('\n');
    }

    private static string Place(SourceSpan at)
    {
        if (at.File.Length == 0)
            return "";
        return at.Line == 0
            ? Visible(at.File) + ": "
            : string.Create(CultureInfo.InvariantCulture, $"{Visible(at.File)}:{at.Line}:{at.Column}: ");
    }

    private static string Word(Severity severity) => severity switch
    {
        Severity.Error => "error",
        Severity.Warning => "warning",
        _ => "note",
    };

    /// <summary>Stars in the place of each character of a password, a hash or a key, so that columns stay.</summary>
    private static string WithoutSecrets(string line) =>
        Secrets().Replace(line, m => m.Value[..(m.Groups["secret"].Index - m.Index)] + new string('*', m.Groups["secret"].Length));

    /// <summary><c>= login:password</c> (what follows <c>scheme:</c> begins with a slash), <c>$6$...</c>, and <c>srs key</c>.</summary>
    [GeneratedRegex("""=\s*["']?[^\s"',{}=:]+:(?<secret>[^\s"',}/:][^\s"',}]*)|(?<secret>\$[0-9a-z]{1,3}\$[^\s"',}]+)|\bsrs\s+key\s+(backup\s+)?["']?(?<secret>[^\s"']+)""", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking | RegexOptions.CultureInvariant)]
    private static partial Regex Secrets();

    private static string Visible(string text, bool keepTabs = false)
    {
        if (!text.Any(char.IsControl))
            return text;
        return string.Create(text.Length, (text, keepTabs), static (span, state) =>
        {
            for (int i = 0; i < span.Length; i++)
            {
                char c = state.text[i];
                span[i] = char.IsControl(c) && !(c == '\t' && state.keepTabs) ? '?' : c;
            }
        });
    }
}

public enum DiagnosticStyle { Plain, Colour }
