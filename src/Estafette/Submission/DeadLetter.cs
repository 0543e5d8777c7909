namespace Estafette.Program.Submission;

/// <summary>Appends a message that nobody would take to <c>~/dead.letter</c>, as mail programs have always done, so that its text is not lost.</summary>
internal static class DeadLetter
{
    /// <summary>The file's path; null when it could not be written.</summary>
    public static async Task<string?> SaveAsync(Submission submission)
    {
        string? home = Environment.GetEnvironmentVariable("HOME");
        if (string.IsNullOrEmpty(home))
            home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        if (home.Length == 0)
            return null;
        string path = Path.Combine(home, "dead.letter");
        try
        {
            // A link that somebody else laid there is not followed: another user's home may be writable by a group.
            if (new FileInfo(path).LinkTarget is not null)
                return null;
            await using var file = new FileStream(path, FileMode.Append, FileAccess.Write);
            await file.WriteAsync(submission.Header);
            await submission.Message.Body.CopyToAsync(file);
            await file.WriteAsync("\n"u8.ToArray());
            return path;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
