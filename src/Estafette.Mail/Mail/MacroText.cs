using System.Text;

namespace Estafette.Mail;

/// <summary>
/// Fills in the <c>$name</c> macros that Postfix expands at delivery (forward_path, luser_relay, the arguments of pipe(8)): <c>$name</c>, <c>${name}</c>, <c>$(name)</c>,
/// <c>${name?text}</c>, <c>${name:text}</c>, with or without braces around the text, and <c>$$</c>. Pure and total: what is no macro is an error, never an exception.
/// </summary>
public static class MacroText
{
    /// <summary>Texts within texts.</summary>
    private const int MaximumDepth = 8;

    /// <summary>Characters of a result.</summary>
    private const int MaximumLength = 65_536;

    /// <param name="template">The text with macros.</param>
    /// <param name="valueOf">The value of a name; empty where it has none, null for a name that does not exist.</param>
    public static Expansion Expand(string template, Func<string, string?> valueOf)
    {
        var text = new StringBuilder();
        var state = new State(valueOf);
        state.Append(template, text, 0);
        return new Expansion(text.ToString(), state.Undefined, state.Error);
    }

    /// <summary>The names that a template asks for, those within the texts of <c>?</c> and <c>:</c> included.</summary>
    public static IReadOnlySet<string> NamesIn(string template)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (string value in (string[])["", "x"])
        {
            Expand(template, name =>
            {
                names.Add(name);
                return value;
            });
        }
        return names;
    }

    /// <param name="Text">What came out.</param>
    /// <param name="IsUndefined">A plain macro had no value.</param>
    /// <param name="Error">Why the template is none; null where it is.</param>
    public readonly record struct Expansion(string Text, bool IsUndefined, string? Error);

    private sealed class State(Func<string, string?> valueOf)
    {
        public bool Undefined { get; private set; }
        public string? Error { get; private set; }

        public void Append(ReadOnlySpan<char> template, StringBuilder text, int depth)
        {
            while (!template.IsEmpty && Error is null)
            {
                int dollar = template.IndexOf('$');
                if (dollar < 0 || dollar == template.Length - 1)
                {
                    text.Append(template);
                    return;
                }
                text.Append(template[..dollar]);
                char next = template[dollar + 1];
                template = template[(dollar + 1)..];
                if (next == '$')
                {
                    text.Append('$');
                    template = template[1..];
                }
                else if (next is '{' or '(')
                {
                    int end = Closing(template);
                    if (end < 0 || depth > MaximumDepth)
                    {
                        Error = "a macro is not closed";
                        return;
                    }
                    AppendMacro(template[1..end], text, depth);
                    template = template[(end + 1)..];
                }
                else
                {
                    int length = NameLength(template);
                    if (length == 0)
                    {
                        Error = "a dollar sign without a name";
                        return;
                    }
                    AppendMacro(template[..length], text, depth);
                    template = template[length..];
                }
                if (text.Length > MaximumLength)
                    Error = "the text becomes too long";
            }
        }

        private void AppendMacro(ReadOnlySpan<char> macro, StringBuilder text, int depth)
        {
            int length = NameLength(macro);
            string name = macro[..length].ToString();
            ReadOnlySpan<char> rest = macro[length..].TrimStart();
            string? value = length == 0 ? null : valueOf(name);
            if (value is null || (!rest.IsEmpty && rest[0] is not ('?' or ':')))
            {
                Error = $"unknown macro \"{macro}\"";
                return;
            }
            if (rest.IsEmpty)
            {
                Undefined |= value.Length == 0;
                text.Append(value);
                return;
            }
            ReadOnlySpan<char> chosen = rest[1..].Trim(), other = default;
            if (chosen.StartsWith("{") && Closing(chosen) is int end and > 0)
            {
                other = chosen[(end + 1)..].TrimStart();
                other = rest[0] == '?' && other.StartsWith(":") ? Unbraced(other[1..].Trim()) : default;
                chosen = chosen[1..end];
            }
            if (rest[0] == '?' == value.Length > 0)
                Append(chosen, text, depth + 1);
            else
                Append(other, text, depth + 1);
        }

        private static ReadOnlySpan<char> Unbraced(ReadOnlySpan<char> text) => text.StartsWith("{") && text.EndsWith("}") ? text[1..^1] : text;

        private static int NameLength(ReadOnlySpan<char> text)
        {
            int length = 0;
            while (length < text.Length && (char.IsAsciiLetterOrDigit(text[length]) || text[length] == '_'))
                length++;
            return length;
        }

        /// <summary>The index of the brace that closes the one at the start; -1 where there is none.</summary>
        private static int Closing(ReadOnlySpan<char> text)
        {
            (char open, char close) = text[0] == '{' ? ('{', '}') : ('(', ')');
            int level = 0;
            for (int i = 0; i < text.Length; i++)
            {
                level += text[i] == open ? 1 : text[i] == close ? -1 : 0;
                if (level == 0)
                    return i;
            }
            return -1;
        }
    }
}
