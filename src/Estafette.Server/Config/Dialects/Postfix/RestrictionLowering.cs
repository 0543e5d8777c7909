using System.Collections.Immutable;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.Postfix;

/// <summary>The restriction lists and classes of one service of smtpd(8) (<c>postconf(5) smtpd_client_restrictions, smtpd_restriction_classes</c>). What this server does not have is an error: a list without it would decide otherwise.</summary>
internal sealed class RestrictionLowering(ReadingContext context, ParameterReader reader)
{
    private readonly HashSet<string> _classes = [.. reader.Words("smtpd_restriction_classes")];

    public ImmutableArray<Restriction> Read(string name, RestrictionStage stage) => Read(reader.Text(name), reader.Place(name), stage);

    public ImmutableArray<Restriction> Read(string text, SourceSpan at, RestrictionStage stage)
    {
        var problems = new List<RestrictionProblem>();
        PlacedWord[] words = [.. Words.Split(text).Select(w => new PlacedWord(w, at))];
        ImmutableArray<Restriction> list = RestrictionGrammar.Read(words, stage, _classes.Contains, problems);
        foreach (RestrictionProblem problem in problems)
            Tell(problem);
        var maps = new MapLowering(context);
        foreach (Restriction restriction in list.Where(r => r.Kind == RestrictionKind.CheckAccess))
            maps.Register(restriction.Argument, restriction.At);
        return list;
    }

    /// <summary>A class is a list of its own; a table in it without a word before it is about the recipient, which is where classes are named.</summary>
    public ImmutableDictionary<string, ImmutableArray<Restriction>> Classes()
    {
        var classes = ImmutableDictionary.CreateBuilder<string, ImmutableArray<Restriction>>(StringComparer.Ordinal);
        foreach (string name in _classes)
        {
            if (reader.OwnText(name) is not { } text)
                context.Findings.Error(reader.Place("smtpd_restriction_classes"), "restriction class " + name + " has no value", "write a line `" + name + " = ...` with its restrictions");
            else
                classes[name] = Read(text, reader.Place(name), RestrictionStage.Recipient);
        }
        return classes.ToImmutable();
    }

    private void Tell(RestrictionProblem problem)
    {
        string? cure = problem.Kind switch
        {
            RestrictionProblemKind.Unknown when Spelling.Closest(problem.Word.Text, RestrictionGrammar.Words.Concat(_classes)) is { } meant => "did you mean `" + meant + "`?",
            RestrictionProblemKind.Unknown => "write a restriction of postconf(5), a table `type:name`, or a name of smtpd_restriction_classes",
            RestrictionProblemKind.Later => problem.Word.Text == "check_policy_service" ? "remove it: " + SupportReasons.Words("policy") : "remove it: " + SupportReasons.Words("verify"),
            _ => null,
        };
        context.Findings.Error(problem.Word.At, problem.Text, cure);
    }
}
