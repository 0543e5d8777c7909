using System.Collections.Immutable;
using Estafette.Config.Dialects.Postfix.Postconf;

namespace Estafette.Tests.Config.Postfix;

/// <summary>postconf(1): what it shows and how it edits. The expectations were recorded from Postfix 3.7.11.</summary>
public sealed class PostconfTests
{
    private const string Main = """
        # a comment
        myhostname = mx.conform.test
        mydomain = conform.test
        mydestination = $myhostname, $mydomain,
            localhost.${mydomain}
          # a comment in between
            localhost
        user_defined = ${relayhost?{with relay}:{without relay}}
        smtpd_banner = $myhostname ESMTP ${user_defined}
        relayhost = $mydomain
        unused = x

        """;

    private const string Master = """
        smtp      inet  n       -       n       -       -       smtpd
        maildrop  unix  -       n       n       -       -       pipe
          flags=DRXhu user=vmail argv=/usr/bin/maildrop -d ${recipient} {two words}
        # before submission
        submission inet n       -       n       -       -       smtpd
          -o smtpd_tls_security_level=encrypt
          -o { smtpd_banner = $myhostname ready }

        """;

    private static PostconfRequest Request(PostconfModes modes, params string[] names) => PostconfRun.Complete(new PostconfRequest
    {
        Folder = PostconfRequest.StandardFolder,
        Machine = MainCfText.Machine(Main, Master),
        Modes = modes,
        Names = [.. names],
    });

    private static string Show(PostconfModes modes, params string[] names) => PostconfRun.Show(Request(modes, names)).Text;

    [Fact]
    public void P14_what_is_set_is_shown_in_order_and_what_is_unused_is_told()
    {
        PostconfOutput output = PostconfRun.Show(Request(PostconfModes.NotDefault));
        Assert.Equal("""
            mydestination = $myhostname, $mydomain, localhost.${mydomain} localhost
            mydomain = conform.test
            myhostname = mx.conform.test
            relayhost = $mydomain
            smtpd_banner = $myhostname ESMTP ${user_defined}
            user_defined = ${relayhost?{with relay}:{without relay}}

            """, output.Text);
        Assert.Equal(["/etc/postfix/main.cf: unused parameter: unused=x"], output.Warnings.AsEnumerable());
    }

    [Theory]
    [InlineData(PostconfModes.None, "mydestination", "mydestination = $myhostname, $mydomain, localhost.${mydomain} localhost\n")]
    [InlineData(PostconfModes.HideName, "relayhost", "$mydomain\n")]
    [InlineData(PostconfModes.HideValue, "relayhost", "relayhost\n")]
    [InlineData(PostconfModes.Expand, "smtpd_banner", "smtpd_banner = mx.conform.test ESMTP with relay\n")]
    [InlineData(PostconfModes.Defaults, "inet_interfaces", "inet_interfaces = all\n")]
    [InlineData(PostconfModes.Defaults, "maildrop_time_limit", "maildrop_time_limit = $command_time_limit\n")]
    [InlineData(PostconfModes.Expand, "forward_path", "forward_path = $home/.forward${recipient_delimiter}${extension}, $home/.forward\n")]
    [InlineData(PostconfModes.Entries, "submission/inet", "submission inet  n       -       n       -       -       smtpd -o smtpd_tls_security_level=encrypt -o {smtpd_banner=$myhostname ready}\n")]
    [InlineData(PostconfModes.Entries | PostconfModes.Fold, "maildrop", "maildrop   unix  -       n       n       -       -       pipe flags=DRXhu\n    user=vmail argv=/usr/bin/maildrop -d ${recipient} {two words}\n")]
    [InlineData(PostconfModes.Fields, "smtp/inet/command", "smtp/inet/command = smtpd\n")]
    [InlineData(PostconfModes.Parameters, "submission/inet/*", "submission/inet/smtpd_banner = $myhostname ready\nsubmission/inet/smtpd_tls_security_level = encrypt\n")]
    [InlineData(PostconfModes.Parameters | PostconfModes.Expand, "*/*/smtpd_banner", "submission/inet/smtpd_banner = mx.conform.test ready\n")]
    public void P14_each_way_of_showing(PostconfModes modes, string name, string text) => Assert.Equal(text, Show(modes, name));

    [Fact]
    public void P14_every_default_is_shown() => Assert.Equal(831 + 17, Show(PostconfModes.Defaults).Split('\n').Length - 1);

    [Theory]
    [InlineData(PostconfModes.Defaults | PostconfModes.NotDefault, "specify one of -d -n")]
    [InlineData(PostconfModes.Entries | PostconfModes.HideName, "with option -M, do not specify -h")]
    [InlineData(PostconfModes.Edit, "-e requires name=value argument")]
    [InlineData(PostconfModes.Exclude, "missing service argument")]
    public void P14_options_that_do_not_go_together_are_refused(PostconfModes modes, string problem) => Assert.Equal(problem, PostconfRun.Conflict(Request(modes)));

    [Fact]
    public void P14_editing_main_cf_touches_only_what_is_named()
    {
        string? text = PostconfRun.Edit(Request(PostconfModes.None, "mydestination=a, b", "relayhost = [new.test]:26", "added=1"), Main, out _);
        Assert.Equal("""
            # a comment
            myhostname = mx.conform.test
            mydomain = conform.test
            mydestination = a, b
              # a comment in between
            user_defined = ${relayhost?{with relay}:{without relay}}
            smtpd_banner = $myhostname ESMTP ${user_defined}
            relayhost = [new.test]:26
            unused = x
            added = 1

            """, text);
    }

    [Fact]
    public void P14_lines_are_commented_out_or_removed_with_what_continues_them()
    {
        Assert.Contains("#mydestination = $myhostname, $mydomain,\n#    localhost.${mydomain}\n  # a comment in between\n#    localhost\nuser_defined", PostconfRun.Edit(Request(PostconfModes.CommentOut, "mydestination"), Main, out _), StringComparison.Ordinal);
        Assert.Contains("mydomain = conform.test\n  # a comment in between\nuser_defined", PostconfRun.Edit(Request(PostconfModes.Exclude, "mydestination"), Main, out _), StringComparison.Ordinal);
    }

    [Fact]
    public void A_last_line_without_an_end_gets_one() =>
        Assert.Equal("a = 1\nb = 2\n", PostconfRun.Edit(Request(PostconfModes.Edit, "b=2"), "a = 1", out _));

    [Theory]
    [InlineData(PostconfModes.Entries, "submission/inet=submission inet n - n - - smtpd -o a=b", "# before submission\nsubmission inet  n       -       n       -       -       smtpd\n    -o a=b\n")]
    [InlineData(PostconfModes.Parameters, "submission/inet/smtpd_tls_security_level=may", "smtpd\n    -o smtpd_tls_security_level=may\n    -o {smtpd_banner=$myhostname ready}\n")]
    [InlineData(PostconfModes.Fields, "smtp/inet/process_limit=7", "smtp       inet  n       -       n       -       7       smtpd\nmaildrop  unix")]
    [InlineData(PostconfModes.Parameters | PostconfModes.Exclude, "submission/inet/smtpd_banner", "smtpd\n    -o smtpd_tls_security_level=encrypt\n")]
    [InlineData(PostconfModes.Entries | PostconfModes.CommentOut, "submission/inet", "#submission inet n       -       n       -       -       smtpd\n#  -o smtpd_tls_security_level=encrypt\n#  -o {")]
    public void P14_editing_master_cf(PostconfModes modes, string argument, string part) =>
        Assert.Contains(part, PostconfRun.Edit(Request(modes, argument), Master, out _), StringComparison.Ordinal);

    [Theory]
    [InlineData(PostconfModes.Entries, "bad/unix=x", "bad field count: \"bad/unix=x\"")]
    [InlineData(PostconfModes.Fields, "smtp/inet/chroot=z", "invalid chroot field \"z\" in \"z\"")]
    [InlineData(PostconfModes.Parameters, "smtp/inet/a=b c", "-Pe does not accept whitespace in parameter value")]
    [InlineData(PostconfModes.Edit, "foo", "missing '=' after attribute name: \"foo\"")]
    [InlineData(PostconfModes.Edit, "a=b\nc=d", "-e, -X, or -# accepts no multi-line input")]
    public void P14_what_cannot_be_written_changes_nothing(PostconfModes modes, string argument, string problem)
    {
        Assert.Null(PostconfRun.Edit(Request(modes | PostconfModes.Edit, argument), modes == PostconfModes.Edit ? Main : Master, out PostconfOutput output));
        Assert.Equal(problem, output.Failure);
    }
}
