using Estafette.Config.Dialects.Qmail;

namespace Estafette.Tests.Config.Qmail;

public class RunScriptTests
{
    /// <summary>The shape that Debian's package installs, in words of our own.</summary>
    private const string Debian = """
        #!/bin/sh

        QMAILDUID=`id -u qmaild`
        NOFILESGID=`id -g qmaild`
        MAXSMTPD=`cat /c/concurrencyincoming`
        LOCAL=`head -1 /c/me`

        if [ -z "$QMAILDUID" -o -z "$MAXSMTPD" ]; then
            exit 1
        fi

        if [ ! -f /c/rcpthosts ]; then
            exit 1
        fi

        exec softlimit -m 7000000 \
            tcpserver -v -R -l "$LOCAL" -x /etc/qmail/tcp.smtp.cdb -c "$MAXSMTPD" \
                -u "$QMAILDUID" -g "$NOFILESGID" ADDRESS smtp qmail-smtpd 2>&1
        """;

    private static RunScript? Parse(string text, Dictionary<string, string>? files = null) =>
        RunScript.Parse(text, path => files?.GetValueOrDefault(path), (flag, user) => user == "qmaild" ? flag == "-u" ? "64011" : "65534" : null);

    [Theory]
    [InlineData("0")]
    [InlineData("127.0.0.1")]
    public void Q4_Q11_The_edit_of_the_address_is_seen(string address)
    {
        RunScript script = Parse(Debian.Replace("ADDRESS", address, StringComparison.Ordinal), new() { ["/c/concurrencyincoming"] = "20", ["/c/me"] = "mx.example.org" })!;
        Assert.Equal((address, "smtp", "20", "/etc/qmail/tcp.smtp.cdb", "mx.example.org"), (script.Address, script.Port, script.Limit, script.RulesFile, script.LocalName));
        Assert.Equal(("7000000", "/c/rcpthosts", 16, false), (script.SoftLimit, script.RequiredFile, script.Line, script.NoHostNames));
        Assert.Empty(script.Unset);
        Assert.Empty(script.Unknown);
    }

    [Fact]
    public void Q8_A_value_that_is_not_there_is_named() => Assert.Equal<string>(["LOCAL", "MAXSMTPD"], [.. Parse(Debian)!.Unset]);

    [Theory]
    [InlineData("tcpserver -vRHl0 -xrules.cdb -c 5 127.0.0.1 2525 /var/qmail/bin/qmail-smtpd", "rules.cdb", "5", "0", true)]
    [InlineData("exec /usr/bin/tcpserver -H '127.0.0.1' \"2525\" qmail-smtpd", null, null, null, true)]
    [InlineData("exec tcpserver 127.0.0.1 2525 qmail-smtpd", null, null, null, false)]
    public void Flags_may_stand_together(string line, string? rules, string? limit, string? local, bool noNames)
    {
        RunScript script = Parse(line)!;
        Assert.Equal(("127.0.0.1", "2525", rules, limit, local, noNames), (script.Address, script.Port, script.RulesFile, script.Limit, script.LocalName, script.NoHostNames));
    }

    [Fact]
    public void What_only_a_shell_could_tell_is_not_guessed()
    {
        RunScript script = Parse("A=`ip a | grep x`\nexec tcpserver $A 25 qmail-smtpd")!;
        Assert.Equal<string>(["A"], [.. script.Unknown]);
    }

    [Theory]
    [InlineData("")]
    [InlineData("#!/bin/sh\n# tcpserver 0 25 x\nexit 0\n")]
    [InlineData("exec tcpserver -c")]
    public void No_command_is_no_script(string text) => Assert.Null(Parse(text));
}
