using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Estafette.Config.Model;

namespace Estafette.Tables;

/// <summary>Collects what is odd in one table's text; a text that is no table at all would fill memory with it.</summary>
internal sealed class MapNotes
{
    private const int Maximum = 1000;

    private readonly ImmutableArray<MapNote>.Builder _notes = ImmutableArray.CreateBuilder<MapNote>();

    public ImmutableArray<MapNote> All => _notes.ToImmutable();

    public void Add(MapNote note)
    {
        if (_notes.Count < Maximum)
            _notes.Add(note);
        else if (_notes.Count == Maximum)
            _notes.Add(new MapNote(note.Line, "and more lines like these"));
    }

    /// <summary>A note with its place, as the original prints it.</summary>
    public static string Text(TableConfig table, MapNote note)
    {
        string name = table.Path.Length > 0 ? table.Path : table.Name[(table.Name.IndexOf(':', StringComparison.Ordinal) + 1)..];
        string kind = table.Kind switch { TableKind.Regexp => "regexp map ", TableKind.Pcre => "pcre map ", TableKind.Cidr => "cidr map ", _ => "" };
        // Rules are read as octets.
        string text = kind.Length > 0 ? Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(note.Text)) : note.Text;
        return note.Place switch
        {
            NotePlace.Line => string.Create(CultureInfo.InvariantCulture, $"{kind}{name}, line {note.Line}: {text}"),
            NotePlace.File => $"{name}: {text}",
            _ => text,
        };
    }
}
