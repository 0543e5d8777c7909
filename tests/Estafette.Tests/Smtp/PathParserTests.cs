using System.Text;
using FsCheck;
using FsCheck.Fluent;
using global::Estafette.Mail;
using global::Estafette.Smtp;

namespace Estafette.Tests.Smtp;

public sealed class PathParserTests
{
    [Theory]
    [InlineData("<a@b.test>", "a", "b.test")]
    [InlineData("<>", "", "")]
    [InlineData("<Postmaster>", "Postmaster", "")]
    [InlineData("<\"a b\"@c>", "a b", "c")]
    [InlineData("<\"a\\\"b\"@c>", "a\"b", "c")]
    [InlineData("<\"a>b@c\"@d>", "a>b@c", "d")]
    [InlineData("<@a,@b.test:u@c>", "u", "c")]
    [InlineData("<u@[192.0.2.1]>", "u", "[192.0.2.1]")]
    [InlineData("<u@[IPv6:2001:db8::1]>", "u", "[IPv6:2001:db8::1]")]
    [InlineData("<a%b@c>", "a%b", "c")]
    [InlineData("<h!u@c>", "h!u", "c")]
    [InlineData("<u@under_score.test>", "u", "under_score.test")]
    public void E27_forms_of_RFC_5321(string text, string local, string domain)
    {
        Assert.True(PathParser.TryParse(Encoding.UTF8.GetBytes(text), PathSyntax.Rfc5321, out MailAddress address, out ReadOnlySpan<byte> rest));
        Assert.Equal(new MailAddress(local, domain), address);
        Assert.True(rest.IsEmpty);
    }

    [Theory]
    [InlineData("a@b")]
    [InlineData("<a@b")]
    [InlineData("<a@b>x")]
    [InlineData("<a@b.>")]
    [InlineData("<a@>")]
    [InlineData("<@b>")]
    [InlineData("<a@@b>")]
    [InlineData("<a b@c>")]
    [InlineData("<.a@b>")]
    [InlineData("<a..b@c>")]
    [InlineData("<a@b..c>")]
    [InlineData("<a@-b>")]
    [InlineData("<a@b->")]
    [InlineData("<a@[1]>")]
    [InlineData("<a@[0x7f.1]>")]
    [InlineData("<a@[192.0.2.1>")]
    [InlineData("<a@[fe80::1%eth0]>")]
    [InlineData("<@a:>")]
    [InlineData("<@a>")]
    [InlineData("<\"a@b>")]
    [InlineData("<ü@b>")]
    [InlineData("<a@ü>")]
    [InlineData("<\"\"@b>")]
    [InlineData("")]
    public void E27_broken_forms(string text) =>
        Assert.False(PathParser.TryParse(Encoding.UTF8.GetBytes(text), PathSyntax.Rfc5321, out _, out _));

    [Theory]
    [InlineData("a@b SIZE=1", PathSyntax.BareAddress, "a@b", "SIZE=1")]
    [InlineData("<a@b.> X", PathSyntax.TrailingDot, "a@b", "X")]
    [InlineData("<a@>", PathSyntax.EmptyDomain, "a", "")]
    [InlineData("<a..b.@c>", PathSyntax.LooseDots, "\"a..b.\"@c", "")]
    [InlineData("<ü@bücher.test>", PathSyntax.Utf8, "ü@bücher.test", "")]
    public void V1_tolerated_forms(string text, PathSyntax syntax, string address, string rest)
    {
        Assert.True(PathParser.TryParse(Encoding.UTF8.GetBytes(text), syntax, out MailAddress found, out ReadOnlySpan<byte> after));
        Assert.Equal(address, found.ToString());
        Assert.Equal(rest, Encoding.UTF8.GetString(after));
        Assert.False(PathParser.TryParse(Encoding.UTF8.GetBytes(text), PathSyntax.None, out _, out _));
    }

    [Fact]
    public void Lengths_are_limited()
    {
        Assert.True(Parses($"<{new string('a', PathParser.MaximumLocalPart)}@b>"));
        Assert.False(Parses($"<{new string('a', PathParser.MaximumLocalPart + 1)}@b>"));
        Assert.False(Parses($"<a@{new string('b', 64)}>"));
        Assert.False(Parses($"<a@{string.Join('.', Enumerable.Repeat("bbbbbbb", 33))}>"));
    }

    [Fact]
    public void What_is_read_is_read_again_from_what_is_written() =>
        Prop.ForAll(Gen.ArrayOf(Gen.Elements("a\"\\.@<> !%".ToCharArray())).Where(c => c.Length is > 0 and < 60).ToArbitrary(), chars =>
        {
            var address = new MailAddress(new string(chars), "b.test");
            return PathParser.TryParse(Encoding.UTF8.GetBytes($"<{address}>"), PathSyntax.Rfc5321, out MailAddress again, out _) && again == address;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void E14_nothing_makes_it_throw() =>
        Prop.ForAll(Gen.ArrayOf(Gen.Elements("<>@\"\\.[]:,; \tab\xe4\xc3\xbc\0"u8.ToArray())).ToArbitrary(), octets =>
        {
            foreach (PathSyntax syntax in new[] { PathSyntax.None, PathSyntax.Rfc5321, (PathSyntax)0x3f })
                PathParser.TryParse(octets, syntax, out _, out _);
            return true;
        }).QuickCheckThrowOnFailure();

    private static bool Parses(string text) => PathParser.TryParse(Encoding.UTF8.GetBytes(text), PathSyntax.Rfc5321, out _, out _);
}
