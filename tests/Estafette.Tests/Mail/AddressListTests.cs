using System.Diagnostics;
using System.Text;
using Estafette.Mail;
using FsCheck;
using FsCheck.Fluent;

namespace Estafette.Tests.Mail;

public sealed class AddressListTests
{
    [Theory]
    [InlineData("bob", "bob")]
    [InlineData(" bob@x.test ", "bob@x.test")]
    [InlineData("bob, \"Someone, Else\" <someone@far.test>", "bob someone@far.test")]
    [InlineData("John Q. Public <jqp@x>, Joe (a (nested\\) comment)) <joe@y> (tail)", "jqp@x joe@y")]
    [InlineData("A Group:Chris Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;, b@c", "c@a.test joe@where.test jdoe@one.test b@c")]
    [InlineData("undisclosed recipients:;", "")]
    [InlineData("<@a.test,@b.test:joe@c.test>", "joe@c.test")]
    [InlineData("\"a b\"@x, \"a\\\"b\"@x", "\"a b\"@x \"a\\\"b\"@x")]
    [InlineData("bob @ x . test (c)", "bob@x.test")]
    [InlineData("joe@[192.0.2.1], k@[IPv6:::1]", "joe@[192.0.2.1] k@[IPv6:::1]")]
    [InlineData("a@b;c@d", "a@b c@d")]
    [InlineData("<>", "")]
    [InlineData("", "")]
    [InlineData(",, ,", "")]
    [InlineData("joe@x.test.", "joe@x.test")]
    [InlineData("Jos\u00e9 <jos\u00e9@x>", "jos\u00e9@x")]
    [InlineData("a\r\n\t@b,\r\n c@d", "a@b c@d")]
    [InlineData("Full Name user@host", "user@host")]
    public void Addresses_are_read_as_people_write_them(string text, string expected)
    {
        AddressList list = AddressList.Parse(text);
        Assert.False(list.IsMalformed);
        Assert.Equal(expected, string.Join(' ', list.Addresses.Select(a => a.Address.ToString())));
    }

    [Theory]
    [InlineData("bob smith, a@b")]
    [InlineData("a@b, <c@d")]
    [InlineData("a@b, @c")]
    [InlineData("a@b, c@")]
    [InlineData("a@b, c@d@e")]
    [InlineData("a@b, x@y..z")]
    [InlineData("a@b, c)d")]
    [InlineData("a@b, <c d@e>")]
    [InlineData("a@b, \"open")]
    [InlineData("a@b, (open")]
    [InlineData("a@b, x\0y@z")]
    public void What_is_no_address_is_told_and_the_others_stay(string text)
    {
        AddressList list = AddressList.Parse(text);
        Assert.True(list.IsMalformed);
        Assert.Equal("a@b", Assert.Single(list.Addresses).Address.ToString());
    }

    [Theory]
    [InlineData("bob, \"Someone, Else\" <someone@far.test>", "bob@h, \"Someone, Else\" <someone@far.test>")]
    [InlineData(" bob (Bob)", " bob@h (Bob)")]
    [InlineData(" Bob <bob>,\r\n\tcarol", " Bob <bob@h>,\r\n\tcarol@h")]
    [InlineData("\"b c\"", "\"b c\"@h")]
    [InlineData("bob smith", "bob smith")]
    public void Only_addresses_without_a_domain_are_completed(string text, string expected) =>
        Assert.Equal(expected, Encoding.UTF8.GetString(AddressList.Qualify(Encoding.UTF8.GetBytes(text), "h")));

    [Fact]
    public void E21_nesting_and_length_cost_linear_time()
    {
        long start = Stopwatch.GetTimestamp();
        foreach (string hostile in (string[])[new string('(', 1_000_000), new string('<', 1_000_000), new string('"', 1_000_001), string.Concat(Enumerable.Repeat("a:", 500_000)), string.Concat(Enumerable.Repeat("a,", 500_000)), new string('a', 1_000_000)])
            AddressList.Parse(hostile);
        Assert.InRange(Stopwatch.GetElapsedTime(start), TimeSpan.Zero, TimeSpan.FromSeconds(60));
        Assert.Equal(AddressList.MaximumAddresses, AddressList.Parse(string.Concat(Enumerable.Repeat("a,", 20_000))).Addresses.Length);
    }

    [Theory]
    [InlineData("a@\\;")]
    [InlineData("a@b\\,c")]
    [InlineData("\"\"")]
    [InlineData("<\"\">")]
    [InlineData("<@\"a\">")]
    [InlineData("<@a>")]
    public void What_names_nobody_is_left_out_and_told(string text)
    {
        AddressList list = AddressList.Parse(text);
        Assert.Empty(list.Addresses);
        Assert.True(list.IsMalformed);
    }

    [Fact]
    public void Any_octets_are_read_without_fault_and_positions_name_the_address()
    {
        Gen<string> text = Gen.Elements("a", "b.c", "@", "<", ">", ",", ";", ":", "(", ")", "\"", "\\", "[", "]", " ", "\r\n ", ".", "\u00e9", "\0").ListOf().Select(l => string.Concat(l));
        Prop.ForAll(text.ToArbitrary(), value =>
        {
            byte[] octets = Encoding.UTF8.GetBytes(value);
            AddressList list = AddressList.Parse(octets);
            int last = 0;
            foreach (ListedAddress listed in list.Addresses)
            {
                Assert.InRange(listed.Start, last, listed.End);
                last = listed.End;
                AddressList again = AddressList.Parse(listed.Address.ToString());
                Assert.Equal(listed.Address, Assert.Single(again.Addresses).Address);
            }
            byte[] once = AddressList.Qualify(octets, "h");
            Assert.Equal(once, AddressList.Qualify(once, "h"));
        }).QuickCheckThrowOnFailure();
    }

    [Theory]
    [InlineData("Big Boss", "Big Boss")]
    [InlineData("Boss, Big", "\"Boss, Big\"")]
    [InlineData("a\"b\\", "\"a\\\"b\\\\\"")]
    [InlineData("Jos\u00e9 M.", "=?UTF-8?Q?Jos=C3=A9_M=2E?=")]
    [InlineData("=?x?=", "=?UTF-8?Q?=3D=3Fx=3F=3D?=")]
    [InlineData("Evil\r\nBcc: x@y", "\"Evil  Bcc: x@y\"")]
    [InlineData("", "")]
    public void E29_display_names_are_quoted_or_encoded(string name, string expected) => Assert.Equal(expected, EncodedWord.Phrase(name));

    [Fact]
    public void E29_encoded_words_are_ASCII_and_at_most_75_long() =>
        Prop.ForAll<string>(name =>
        {
            string phrase = EncodedWord.Phrase((name ?? "") + "\u4e2d\u6587\ud83d\udce7");
            Assert.True(Ascii.IsValid(phrase));
            Assert.All(phrase.Split(' '), word => Assert.InRange(word.Length, 1, 75));
        }).QuickCheckThrowOnFailure();
}
