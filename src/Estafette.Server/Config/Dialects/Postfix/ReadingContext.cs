using System.Collections.Immutable;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.Postfix;

/// <summary>What all lowerings share: findings, the machine, the settings, the tables that were named, and which parameters were asked for.</summary>
internal sealed class ReadingContext(Findings findings, PostfixSettings settings, string folder, ReadOptions options)
{
    private readonly HashSet<string> _read = new(StringComparer.Ordinal);

    public Findings Findings => findings;
    public PostfixSettings Settings => settings;
    public IMachine Machine => options.Machine;

    /// <summary>False for a look at the text alone: no table, certificate or key is opened.</summary>
    public bool CheckFiles => options.CheckFiles;

    /// <summary>Where main.cf lies.</summary>
    public string Folder => folder;
    public ImmutableDictionary<string, TableConfig>.Builder Tables { get; } = ImmutableDictionary.CreateBuilder<string, TableConfig>(StringComparer.Ordinal);

    /// <summary>Every parameter that a lowering asked for; those are what is supported.</summary>
    public IReadOnlySet<string> Read => _read;

    /// <summary>Further files that the configuration is made of: patterns of match lists, the name of the mail domain. They are handed over with main.cf.</summary>
    public List<SourceText> Sources { get; } = [];

    /// <summary>The text of such a file; null with the reason.</summary>
    public SourceText? ReadSource(string path, out string? problem)
    {
        FileContent content = options.Machine.Read(path);
        problem = content.Failure;
        if (problem is not null)
            return null;
        var source = new SourceText(path, System.Text.Encoding.UTF8.GetString(content.Bytes.Span));
        if (!Sources.Exists(s => s.Path == path))
            Sources.Add(source);
        return source;
    }

    public void Reads(string name) => _read.Add(name);

    /// <summary>What holds where no service says otherwise.</summary>
    public ParameterReader Global() => new(this, new ParameterScope(settings));

    /// <summary>What holds for one service of master.cf.</summary>
    public ParameterReader Of(ServiceEntry service) => new(this, new ParameterScope(settings, service));
}
