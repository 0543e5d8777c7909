using System.Text.RegularExpressions;

namespace Estafette.Tables;

/// <summary>
/// A pattern and whether it must match or must not. It is tried by .NET's usual engine for a moment; where that is not enough, by the linear one from then on, which takes a megabyte and ten milliseconds to
/// make: a table of a thousand rules made of those would fill memory before the first mail. What the linear engine has no words for (references, looking around) has a time limit, past which
/// <see cref="RegexMatchTimeoutException"/> says that there is no answer (E60).
/// </summary>
internal sealed class Expression(string pattern, RegexOptions options, bool negated, LinearEngines engines)
{
    /// <summary>Time for one match before the linear engine is made; ordinary ones take microseconds.</summary>
    private static readonly TimeSpan s_quickTime = TimeSpan.FromMilliseconds(20);

    private readonly Regex _quick = new(pattern, options, s_quickTime);
    private volatile Regex? _thorough;

    public bool Holds(string subject) => Match(subject).Success != negated;

    public Match Match(string subject)
    {
        if (_thorough is null)
        {
            try
            {
                return _quick.Match(subject);
            }
            catch (RegexMatchTimeoutException)
            {
                _thorough = engines.Make(this, pattern, options);
            }
        }
        return (_thorough ?? engines.Make(this, pattern, options)).Match(subject);
    }

    /// <summary>Another one needs the memory; when this is needed again it is made again.</summary>
    public void Forget() => _thorough = null;
}

/// <summary>The linear engines of one table: few at a time, since a stranger's mail decides which are needed.</summary>
internal sealed class LinearEngines
{
    private const int Maximum = 64;

    private readonly Queue<Expression> _made = new();
    private readonly Lock _gate = new();

    public Regex Make(Expression owner, string pattern, RegexOptions options)
    {
        Regex engine;
        try
        {
            engine = new Regex(pattern, options | RegexOptions.NonBacktracking);
        }
        catch (NotSupportedException)
        {
            return new Regex(pattern, options, ExpressionRules.MatchTime);
        }
        lock (_gate)
        {
            if (_made.Count == Maximum)
                _made.Dequeue().Forget();
            _made.Enqueue(owner);
        }
        return engine;
    }
}
