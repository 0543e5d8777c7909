using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Estafette.Config.Model;
using Estafette.Delivery.Local;
using Estafette.Local;
using Estafette.Local.Mailboxes;
using Estafette.Mail;
using FsCheck;
using FsCheck.Fluent;

namespace Estafette.Tests.Local;

public sealed class LocalProtocolTests
{
    private static LocalActions Sample()
    {
        var target = new LocalTarget(true, "cat > /tmp/out");
        return new LocalActions
        {
            HostName = "mx.conform.test",
            Style = MailboxStyle.Postfix,
            AliasUser = "nobody",
            SubaddressDelimiters = "+-",
            CommandRunMilliseconds = 1234,
            LoginServices = ["smtpd"],
            Actions = ImmutableDictionary<string, LocalAction>.Empty.Add("my action", new LocalAction("my action", LocalMethodKind.Maildir, "~/M\u00e4il") { JunkFolder = true, RunAs = "vmail", UserTable = "t" }),
            AliasTargets = ImmutableDictionary<string, LocalTarget>.Empty.Add(LocalActions.DigestOf(target), target),
            Users = ImmutableDictionary<(string, string), LocalUser>.Empty.Add(("t", "u"), new LocalUser("u", 4_000_000_000, 7, "/home/u")),
        };
    }

    [Fact]
    public void A_question_about_a_login_survives_the_line_and_hides_its_password()
    {
        byte[] line = LoginQuestion.ToLine("al ice=+\u00e4", "se cret\r\n"u8, "192.0.2.1")!;
        Assert.True(line.AsSpan().EndsWith("\r\n"u8));
        Assert.True(LoginQuestion.TryParse(line.AsSpan(0, line.Length - 2), out LoginQuestion? question));
        Assert.Equal(("al ice=+\u00e4", "se cret\r\n", "192.0.2.1"), (question.Login, System.Text.Encoding.UTF8.GetString(question.Password), question.RemoteHost));
        Assert.DoesNotContain("cret", question.ToString(), StringComparison.Ordinal);
        Assert.True(LoginQuestion.ToLine(new string('\u00e4', 512), new byte[1024].Select(_ => (byte)255).ToArray(), "2001:db8::1")!.Length <= LocalProtocol.MaximumLine);
        Assert.Null(LoginQuestion.ToLine("alice", new byte[1025].Select(_ => (byte)'a').ToArray(), ""));
        Assert.Null(LoginQuestion.ToLine("al\0ice", "x"u8, ""));
    }

    [Theory]
    [InlineData("")]
    [InlineData("XAUTH =alice c2VjcmV0")]
    [InlineData("XAUTH alice c2VjcmV0 =h")]
    [InlineData("XAUTH = c2VjcmV0 =h")]
    [InlineData("XAUTH =alice ! =h")]
    [InlineData("XAUTH =alice AAAA =h")]
    [InlineData("XAUTH =alice  =h")]
    [InlineData("XAUTH =alice c2VjcmV0 =h x")]
    [InlineData("XAUTH =a+00 c2VjcmV0 =h")]
    public void E13_a_malformed_question_about_a_login_is_none(string line) => Assert.False(LoginQuestion.TryParse(System.Text.Encoding.ASCII.GetBytes(line), out _));

    [Fact]
    public void Compiled_actions_survive_the_file()
    {
        byte[] bytes = LocalActionsCodec.Encode(Sample());
        Assert.True(LocalActionsCodec.TryDecode(bytes, out LocalActions? read));
        Assert.Equal(Sample() with { Actions = read!.Actions, AliasTargets = read.AliasTargets, UserCommands = read.UserCommands, Users = read.Users, LoginServices = read.LoginServices }, read);
        Assert.Equal(["smtpd"], read.LoginServices.ToArray());
        Assert.Equal(Sample().Actions.ToArray(), read.Actions.ToArray());
        Assert.Equal(Sample().AliasTargets.ToArray(), read.AliasTargets.ToArray());
        Assert.Equal(Sample().Users.ToArray(), read.Users.ToArray());
    }

    [Fact]
    public void Rules_of_local_virtual_and_pipe_survive_the_file()
    {
        var owned = new LocalTarget(false, "/var/list") { RunAs = "lists" };
        LocalAction[] made =
        [
            new LocalAction("local", LocalMethodKind.Maildir, "~/Maildir/")
            {
                Users = new LocalUserRules
                {
                    ForwardPaths = ["$home/.forward+$extension", "$home/.forward"],
                    ForwardCharacters = "abc",
                    Delimiters = "+-",
                    SpoolFolder = "/var/mail",
                    MailboxSize = 5_000_000_000,
                    CommandMilliseconds = 7,
                    CommandCharacters = "xyz",
                    Environment = ["TZ=UTC"],
                    RequiresHome = true,
                },
            },
            new LocalAction("virtual", LocalMethodKind.None, "") { Virtual = new VirtualRules("/var/vmail", 100, 12) { Uids = [5000, 4_000_000_000], Gids = [5000] } },
            new LocalAction("filter", LocalMethodKind.None, "")
            {
                RunAs = "filter",
                Pipe = new PipeRules { Arguments = ["/bin/x", "-f", "${sender}"], Group = "mail", Folder = "/tmp", LineEnd = "\r\n", Milliseconds = 3, Environment = ["A=b"], DotStuff = true },
            },
        ];
        LocalActions actions = Sample() with
        {
            Actions = made.ToImmutableDictionary(a => a.Name, StringComparer.Ordinal),
            AliasTargets = ImmutableDictionary<string, LocalTarget>.Empty.Add(LocalActions.DigestOf(owned), owned),
            UserCommands = ImmutableDictionary<string, LocalTarget>.Empty.Add(LocalActions.DigestOf(new LocalTarget(true, "deliver")), new LocalTarget(true, "deliver")),
        };
        Assert.True(LocalActionsCodec.TryDecode(LocalActionsCodec.Encode(actions), out LocalActions? read));
        Assert.Equal(System.Text.Json.JsonSerializer.Serialize(made.OrderBy(a => a.Name, StringComparer.Ordinal)), System.Text.Json.JsonSerializer.Serialize(read!.Actions.Values.OrderBy(a => a.Name, StringComparer.Ordinal)));
        Assert.Equal("lists", read.AliasTargets.Values.Single().RunAs);
        Assert.Equal("deliver", read.UserCommands.Values.Single().Text);
    }

    [Fact]
    public void A_cut_or_longer_file_is_refused_and_a_damaged_one_never_throws()
    {
        byte[] bytes = LocalActionsCodec.Encode(Sample());
        for (int length = 0; length < bytes.Length; length++)
            Assert.False(LocalActionsCodec.TryDecode(bytes.AsSpan(0, length), out _));
        Assert.False(LocalActionsCodec.TryDecode([.. bytes, 0], out _));
        for (int i = 0; i < bytes.Length; i++)
        {
            byte[] damaged = [.. bytes];
            damaged[i] ^= 0xff;
            LocalActionsCodec.TryDecode(damaged, out _);
        }
    }

    [Fact]
    public void Any_name_survives_the_socket_and_no_value_ends_its_line()
    {
        Prop.ForAll<string, string>((first, second) =>
        {
            string a = Valid(first), b = Valid(second);
            var identity = new LocalIdentity(LocalIdentityKind.Table, a, b);
            string line = identity.ToLine();
            Assert.Equal(line.Length - 2, line.IndexOf('\r', StringComparison.Ordinal));
            Assert.Equal(identity, LocalIdentity.Parse(Encoding.ASCII.GetBytes(line[..^2])));
            var envelope = new LocalEnvelope { User = a, Action = b, Destination = new MailAddress(a, b), Original = new MailAddress(b, a), Detail = b, Target = a, Source = TargetSource.ForwardFile };
            var output = new ArrayBufferWriter<byte>();
            envelope.AppendTo(output);
            Assert.Equal(output.WrittenCount - 2, output.WrittenSpan.IndexOf((byte)'\r'));
            LocalEnvelope? read = LocalEnvelope.Parse(output.WrittenSpan["RCPT TO:".Length..^2]);
            Assert.Equal(a.Length > 0 ? envelope : envelope with { Source = read!.Source }, read);
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Parsers_take_any_bytes()
    {
        Prop.ForAll<byte[]>(bytes =>
        {
            byte[] octets = bytes ?? [];
            LocalIdentity.Parse(octets);
            LocalEnvelope.Parse(octets);
            LocalReply.Parse(octets);
            LocalActionsCodec.TryDecode(octets, out _);
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void A_reply_is_one_bounded_clean_line()
    {
        string line = LocalReply.Fail(3, 0, "bad\r\n250 2.0.0 ok\u0007" + new string('x', 5000)).ToLine();
        Assert.Equal(line.Length - 2, line.IndexOf('\r', StringComparison.Ordinal));
        Assert.True(line.Length < LocalProtocol.MaximumReplyText + 100);
        Assert.Equal((550, "5.3.0"), LocalReply.Parse(Encoding.UTF8.GetBytes(line.TrimEnd())) is { } reply ? (reply.Code, reply.Status.ToString()) : default);
    }

    [Theory]
    [InlineData(MailboxStyle.OpenSmtpd, @"^1700000000\.[0-9a-f]{8}\.h$")]
    [InlineData(MailboxStyle.OpenSmtpdOld, @"^1700000000\.\d{9,10}\.h$")]
    [InlineData(MailboxStyle.Postfix, @"^1700000000\.V801I1f4M123000\.h$")]
    public void P20_names_have_the_form_of_each_program(MailboxStyle style, string pattern)
    {
        DateTimeOffset now = DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_123);
        for (int i = 0; i < 200; i++)
        {
            string draft = MaildirName.Draft(style, now, "h");
            string name = MaildirName.Final(style, draft, now, "h", (8UL << 32) | 1, 500);
            Assert.Matches(new Regex(pattern, RegexOptions.NonBacktracking), name);
            if (style is MailboxStyle.OpenSmtpd)
                Assert.Contains(name.Split('.')[1], char.IsAsciiLetter);
        }
    }

    [Fact]
    public void E58_names_of_one_second_differ()
    {
        DateTimeOffset now = DateTimeOffset.UtcNow;
        Assert.Equal(500, Enumerable.Range(0, 500).Select(_ => MaildirName.Draft(MailboxStyle.OpenSmtpd, now, "h")).Distinct().Count());
    }

    [Theory]
    [InlineData("X-Spam: Yes\n\n", true)]
    [InlineData("A: b\nx-spam-flag: YES\n\n", true)]
    [InlineData("A: b\n\nX-Spam: Yes\n", false)]
    [InlineData("X-Spam: Yes, but only a little and with more text\n\n", false)]
    public void Junk_is_marked_in_the_header(string text, bool junk)
    {
        for (int step = 1; step <= text.Length; step++)
        {
            var mark = new JunkMark();
            byte[] octets = Encoding.ASCII.GetBytes(text);
            for (int i = 0; i < octets.Length; i += step)
                mark.Look(octets.AsSpan(i, Math.Min(step, octets.Length - i)));
            Assert.Equal(junk, mark.IsJunk);
        }
    }

    [Theory]
    [InlineData("# |x\n|cat > /tmp/out\n", true)]
    [InlineData("other, \"|cat > /tmp/out\", third", true)]
    [InlineData("|\"cat > /tmp/out\"", true)]
    [InlineData("# |cat > /tmp/out", false)]
    [InlineData("|cat > /tmp/outer", false)]
    public void A_forward_files_entry_is_found_by_its_digest_only(string text, bool found)
    {
        string digest = LocalActions.DigestOf(new LocalTarget(true, "cat > /tmp/out"));
        Assert.Equal(found, Estafette.Local.ForwardFile.Find(Encoding.UTF8.GetBytes(text), digest) is { Text: "cat > /tmp/out" });
    }

    [Fact]
    public void The_compiler_takes_local_actions_and_alias_targets()
    {
        var config = new MailConfig { Dialect = Dialect.OpenSmtpd, Source = "", HostName = "h", MaildirNaming = MaildirNaming.OpenSmtpdOld };
        config = config with
        {
            Actions = config.Actions
                .Add("in", new ActionConfig.Local { Name = "in", At = SourceSpan.None, Method = new LocalMethod.Maildir(JunkFolder: true) })
                .Add("out", new ActionConfig.Relay { Name = "out", At = SourceSpan.None }),
        };
        LocalActions actions = LocalActionsCompiler.Compile(config, ["|cat", "/var/x", "not a target"], [], name => name == "nobody");
        Assert.Equal(new LocalAction("in", LocalMethodKind.Maildir, "") { JunkFolder = true }, Assert.Single(actions.Actions).Value);
        Assert.Equal(2, actions.AliasTargets.Count);
        Assert.Equal(("nobody", MailboxStyle.OpenSmtpdOld), (actions.AliasUser, actions.Style));
    }

    [Fact]
    public void The_date_of_a_from_line_is_that_of_asctime()
    {
        string line = Encoding.UTF8.GetString(MboxDelivery.FromLine("a@b", new DateTimeOffset(2024, 1, 2, 3, 4, 5, TimeZoneInfo.Local.GetUtcOffset(new DateTime(2024, 1, 2))), MailboxStyle.OpenSmtpd, afterPartialLine: false));
        Assert.Equal("From a@b Tue Jan  2 03:04:05 2024\n", line);
        Assert.Equal(DayOfWeek.Tuesday, DateTime.Parse("2024-01-02", CultureInfo.InvariantCulture).DayOfWeek);
    }

    /// <summary>What can be a name: no NUL, no half of a surrogate pair.</summary>
    private static string Valid(string? text) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes((text ?? "").Replace("\0", "", StringComparison.Ordinal)));
}
