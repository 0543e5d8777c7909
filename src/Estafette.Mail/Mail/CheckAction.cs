namespace Estafette.Mail;

/// <summary>What a row of header_checks(5) or body_checks asks for.</summary>
public enum CheckVerb : byte { Unknown, Bcc, Discard, Dunno, Filter, Hold, Ignore, Info, Pass, Prepend, Redirect, Reject, Replace, Strip, Warn, Delay }

/// <summary>One action and what stands behind its word.</summary>
public readonly record struct CheckAction(CheckVerb Verb, string Text)
{
    public static CheckAction Parse(string value)
    {
        int end = value.AsSpan().IndexOfAny(' ', '\t');
        string word = end < 0 ? value : value[..end];
        CheckVerb verb = word.ToUpperInvariant() switch
        {
            "BCC" => CheckVerb.Bcc,
            "DELAY" => CheckVerb.Delay,
            "DISCARD" => CheckVerb.Discard,
            "DUNNO" or "OK" => CheckVerb.Dunno,
            "FILTER" => CheckVerb.Filter,
            "HOLD" => CheckVerb.Hold,
            "IGNORE" => CheckVerb.Ignore,
            "INFO" => CheckVerb.Info,
            "PASS" => CheckVerb.Pass,
            "PREPEND" => CheckVerb.Prepend,
            "REDIRECT" => CheckVerb.Redirect,
            "REJECT" => CheckVerb.Reject,
            "REPLACE" => CheckVerb.Replace,
            "STRIP" => CheckVerb.Strip,
            "WARN" => CheckVerb.Warn,
            _ => CheckVerb.Unknown,
        };
        return new CheckAction(verb, end < 0 ? "" : value[end..].TrimStart());
    }
}
