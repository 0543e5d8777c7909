using Estafette.Config.Dialects.Postfix;

namespace Estafette.Tests.Config.Postfix;

/// <summary>The table of parameters tells the truth: what it calls supported is what lowerings ask for, and nothing else.</summary>
public sealed class ParameterSupportTests
{
    /// <summary>Switches on whatever a lowering looks at before it asks for more.</summary>
    private const string EverythingOn = """
        compatibility_level = 3.6
        smtpd_tls_cert_file = /cert.pem
        smtpd_tls_key_file = /key.pem
        smtpd_tls_security_level = may
        smtpd_sasl_auth_enable = yes
        smtpd_sasl_type = dovecot
        smtpd_sasl_path = private/auth
        smtp_sasl_auth_enable = yes
        smtp_sasl_password_maps = inline:{x=y:z}
        smtp_sasl_security_options =
        smtp_tls_security_level = may
        lmtp_sasl_auth_enable = yes
        lmtp_sasl_password_maps = inline:{x=y:z}
        lmtp_sasl_security_options =
        lmtp_tls_security_level = may
        """;

    [Fact]
    public void Supported_is_exactly_what_is_read()
    {
        ReadingContext context = MainCfText.Context(EverythingOn, MainCfText.UsualMaster + "\nown unix - n n - - pipe flags=R user=vmail argv=/bin/true ${recipient}\n");
        new PostfixLowering(context).Lower(null);
        if (Environment.GetEnvironmentVariable("ESTAFETTE_WRITE_TABLE") is { Length: > 0 })
            Mark(context.Read);
        string[] supported = [.. ParameterTable.Postfix37.All.Where(p => p.Support == Support.Supported && p.Reason.Length == 0).Select(p => p.Name)];
        string[] read = [.. ParameterTable.Postfix37.All.Select(p => p.Name).Where(context.Read.Contains)];
        const string cure = "; ESTAFETTE_WRITE_TABLE=1 with this test marks them";
        Assert.True(read.Except(supported).Order().ToArray() is { Length: 0 } unmarked, "read, but not `supported` in Parameters.txt: " + string.Join(' ', read.Except(supported).Order()) + cure);
        Assert.True(supported.Except(read).Order().ToArray() is { Length: 0 } unread, "`supported` in Parameters.txt, but nobody reads them: " + string.Join(' ', supported.Except(read).Order()) + cure);
    }

    [Fact]
    public void The_table_has_every_name_of_3_7_in_order_and_a_word_for_every_reason()
    {
        ParameterTable table = ParameterTable.Postfix37;
        Assert.Equal(831, table.All.Length);
        Assert.Equal(table.All.Select(p => p.Name).Order(StringComparer.Ordinal), table.All.Select(p => p.Name));
        Assert.All(table.All.Where(p => p.Support is Support.NoEffect or Support.Later or Support.Refused && p.Reason.Length > 0), p => Assert.NotEqual(p.Reason, SupportReasons.Words(p.Reason)));
    }

    [Fact]
    public void The_page_is_what_the_table_says()
    {
        string path = Path.Combine(Root(), "docs", "postfix.md");
        string page = File.ReadAllText(path), made = ParameterPage.With(page);
        if (Environment.GetEnvironmentVariable("ESTAFETTE_WRITE_TABLE") is { Length: > 0 })
            File.WriteAllText(path, made);
        else
            Assert.True(page == made, "docs/postfix.md is older than Parameters.txt; ESTAFETTE_WRITE_TABLE=1 with this test writes it");
    }

    [Fact]
    public void What_a_command_reads_stands_in_its_source()
    {
        string commands = string.Concat(Directory.EnumerateFiles(Path.Combine(Root(), "src", "Estafette"), "*.cs", SearchOption.AllDirectories).Select(File.ReadAllText));
        Assert.All(ParameterTable.Postfix37.All.Where(p => p.Support == Support.Supported && p.Reason.Length > 0), p => Assert.Contains("\"" + p.Name + "\"", commands, StringComparison.Ordinal));
    }

    /// <summary>Writes what was read into the source of the table; the next build has it.</summary>
    private static void Mark(IReadOnlySet<string> read)
    {
        string path = Path.Combine(Root(), "src", "Estafette.Server", "Config", "Dialects", "Postfix", "Parameters.txt");
        File.WriteAllLines(path, [.. File.ReadAllLines(path).Select(line =>
        {
            string[] columns = line.Split('\t', 4);
            if (columns.Length < 4)
                return line;
            columns[2] = read.Contains(columns[0]) ? "supported" : columns[2].StartsWith("supported:", StringComparison.Ordinal) ? columns[2] : columns[2] == "supported" ? "open" : columns[2];
            return string.Join('\t', columns);
        })]);
    }

    private static string Root()
    {
        string folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Estafette.slnx")))
            folder = Path.GetDirectoryName(folder)!;
        return folder;
    }
}
