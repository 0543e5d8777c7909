using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.InteropServices;
using Estafette.Config;

namespace Estafette.Tables;

public enum MapKind : byte { Plain, Aliases, Set }

/// <summary>The rows of a map's source, or the first thing wrong with it as makemap(8) tells it.</summary>
public sealed record MapSource(ImmutableArray<KeyValuePair<string, string>> Rows, string? Error = null);

/// <summary>Who may read a compiled file.</summary>
/// <param name="User">Its owner; null for whoever writes it.</param>
public readonly record struct MapAccess(UnixFileMode Mode, uint? User = null, uint? Group = null)
{
    public static MapAccess ForAll { get; } = new(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);

    /// <summary>That of a file: a map of secrets must not be more open than its source. For all where there is no such file.</summary>
    public static MapAccess Of(string path) =>
        FileStamp.TryRead(path, out FileStamp stamp, out _) ? new MapAccess((UnixFileMode)(stamp.Mode & 0x1ff), stamp.User, stamp.Group) : ForAll;
}

/// <summary>What makemap and newaliases do: text in, compiled file out. A file is replaced whole or not at all.</summary>
public static partial class MapCompiler
{
    /// <summary>The value of a row of a set.</summary>
    private const string SetValue = "<set>";

    /// <summary>Reads and checks a source; keys are folded and must be unique. <paramref name="name"/> is what errors call it.</summary>
    public static MapSource Read(string text, string name, MapKind kind)
    {
        TextTable table = TextTableParser.Parse(text, kind == MapKind.Set ? TextTableForm.List : TextTableForm.Mapping);
        var rows = ImmutableArray.CreateBuilder<KeyValuePair<string, string>>(table.Rows.Length);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (TextRow row in table.Rows)
        {
            string key = KeyText.Fold(row.Key);
            if (!seen.Add(key))
                return Wrong(name, row.Line, "duplicate entry for " + key);
            if (kind == MapKind.Aliases && AliasParser.ParseValue(row.Value) is { IsValid: false } or { Targets.IsEmpty: true })
                return Wrong(name, row.Line, "invalid entry");
            rows.Add(KeyValuePair.Create(key, kind == MapKind.Set ? SetValue : row.Value));
        }
        return table.IsValid ? new MapSource(rows.ToImmutable()) : Wrong(name, table.ErrorLine, "invalid entry");
    }

    /// <summary>
    /// Writes a compiled file beside its place, makes it durable, gives it the mode and owner of its source, and renames it there. Throws
    /// IOException or UnauthorizedAccessException; then the old file is untouched.
    /// </summary>
    public static void Write(string path, IEnumerable<KeyValuePair<string, string>> rows, string? source) => Write(path, rows, source is null ? MapAccess.ForAll : MapAccess.Of(source));

    /// <summary>The same with the access that <paramref name="access"/> says. Handing a file to somebody works for root only, and only root's files need it.</summary>
    public static void Write(string path, IEnumerable<KeyValuePair<string, string>> rows, MapAccess access)
    {
        string temporary = $"{path}.{Guid.NewGuid():N}";
        try
        {
            var options = new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.ReadWrite,
                BufferSize = 1 << 16,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            };
            using (var file = new FileStream(temporary, options))
            {
                CdbWriter.Write(file, rows);
                Grant(file.SafeFileHandle, path, access);
                file.Flush(flushToDisk: true);
            }
            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    /// <summary>The text that a compiled file is made from: the same path without <c>.db</c>.</summary>
    public static string SourceOf(string path) => TableSource.SourceOf(path);

    /// <summary>The rows of a compiled file in their order. Throws IOException where it is none or damaged.</summary>
    public static IEnumerable<KeyValuePair<string, string>> Dump(string path) =>
        CdbFile.TryOpen(path, out CdbFile? file, out string failure) ? file.All() : throw new IOException(failure);

    /// <summary>The system's words for why a path cannot be looked at; null when it can.</summary>
    public static string? WhyNot(string path) => FileStamp.TryRead(path, out _, out FileFailure failure) ? null : failure.Text;

    /// <summary>True for a file that everybody may read and whose rows look like secrets (<c>label user:password</c>).</summary>
    public static bool ExposesSecrets(string path, MapSource source) =>
        FileStamp.TryRead(path, out FileStamp stamp, out _) && stamp.IsWorldReadable && source.Rows.Any(LooksSecret);

    /// <summary>A relay's <c>user:password</c> or a password hash; user tables (<c>uid:gid:home</c>) are none.</summary>
    private static bool LooksSecret(KeyValuePair<string, string> row) =>
        row.Value.StartsWith('$') || (Credential.TryParse(row.Key, row.Value, out _) && row.Value.Split(':').Length == 2 && !row.Value.Contains('/', StringComparison.Ordinal));

    private static void Grant(Microsoft.Win32.SafeHandles.SafeFileHandle file, string path, MapAccess access)
    {
        if (access.User is { } user && access.Group is { } group && ChangeOwner(file.DangerousGetHandle().ToInt32(), user, group) != 0 && FileStamp.EffectiveUser() == 0)
            throw new IOException($"{path}: its owner cannot be carried over: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
        File.SetUnixFileMode(file, access.Mode);
    }

    private static MapSource Wrong(string name, int line, string what) => new([], string.Create(CultureInfo.InvariantCulture, $"{name}:{line}: {what}"));

    [LibraryImport("libc", EntryPoint = "fchown", SetLastError = true)]
    private static partial int ChangeOwner(int file, uint user, uint group);
}
