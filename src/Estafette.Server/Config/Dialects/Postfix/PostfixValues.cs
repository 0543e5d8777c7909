using System.Collections.Immutable;
using System.Text;

namespace Estafette.Config.Dialects.Postfix;

/// <summary>
/// Single values of a folder's main.cf for the commands that need a few (postmap, postqueue, sendmail), defaults included and names replaced. A main.cf that is missing or broken is told, and the defaults hold.
/// </summary>
public sealed class PostfixValues
{
    private readonly ParameterScope _scope;

    private PostfixValues(ParameterScope scope, ImmutableArray<Model.Diagnostic> problems)
    {
        _scope = scope;
        Problems = problems;
    }

    /// <summary>What is wrong with the file; errors first to last.</summary>
    public ImmutableArray<Model.Diagnostic> Problems { get; }

    public static PostfixValues Read(string folder, IMachine machine)
    {
        var findings = new Findings();
        string path = Path.Combine(folder, "main.cf");
        FileContent content = machine.Read(path);
        if (content.Failure is not null)
            findings.Error(new Model.SourceSpan(path, 0, 0, 0), "open " + path + ": " + content.Failure);
        ImmutableArray<Setting> main = content.Failure is null ? MainCf.Parse(new SourceText(path, Encoding.UTF8.GetString(content.Bytes.Span)), findings) : [];
        return new PostfixValues(new ParameterScope(PostfixSettings.Of(main, [], machine)), findings.InOrder([path]));
    }

    /// <summary>The value of a parameter; empty where there is none of that name.</summary>
    public string this[string name] => _scope.Expand(_scope.Raw(name) ?? "", out _) ?? "";

    public bool IsYes(string name) => this[name].Equals("yes", StringComparison.OrdinalIgnoreCase);
}
