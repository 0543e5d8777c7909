using System.Text;
using Estafette.Mail;
using FsCheck;
using FsCheck.Fluent;

namespace Estafette.Tests.Mail;

/// <summary>How fields with addresses are taken apart and written anew, as recorded from Postfix 3.7.</summary>
public sealed class AddressFieldTests
{
    [Theory]
    [InlineData("bob", "bob")]
    [InlineData("bob, carol@x", "bob|carol@x")]
    [InlineData("\"Someone, Else\" <someone@example.net>", "someone@example.net")]
    [InlineData("bob (comment), group: carol, \"dave\"@x;", "bob|carol|\"dave\"@x")]
    [InlineData("undisclosed-recipients:;", "")]
    [InlineData("<>", "")]
    [InlineData("bob carol", "bob|carol")]
    [InlineData("J. Doe <j@x>", "j@x")]
    [InlineData("<@a,@b:c@d>", "@a, @b:c@d")]
    [InlineData("a@[127.0.0.1]", "a@[127.0.0.1]")]
    [InlineData("\"a b\"@c", "\"a b\"@c")]
    public void Addresses_are_found(string value, string expected)
    {
        AddressField field = Parse(value);
        Assert.Equal(expected, string.Join('|', Enumerable.Range(0, field.Count).Select(field.AddressAt)));
    }

    [Theory]
    [InlineData("bob, undisclosed-recipients:;", "bob@m,\nundisclosed-recipients: ;")]
    [InlineData("bob (comment), group: carol, \"dave\"@x;", "bob@m (comment),\ngroup: carol@m,\ndave@x;")]
    [InlineData(" \"Someone, Else\"   <someone> , (c) b", "\"Someone, Else\" <someone@m>,\nb@m (c)")]
    [InlineData("bob carol", "bob@m,\ncarol@m")]
    [InlineData("\"a b\"", "\"a b\"@m")]
    public void Addresses_are_replaced_and_the_rest_stays(string value, string expected)
    {
        AddressField field = Parse(value);
        for (int i = 0; i < field.Count; i++)
        {
            if (!field.AddressAt(i).Contains('@', StringComparison.Ordinal))
                field.Replace(i, field.AddressAt(i) + "@m");
        }
        Assert.Equal(expected, Encoding.Latin1.GetString(field.Write()));
    }

    [Fact]
    public void Too_much_text_around_an_address_goes()
    {
        AddressField field = Parse(new string('x', 300) + " <a@b>, " + new string('y', 100) + " <c@d>");
        Assert.Equal("<a@b>,\n" + new string('y', 100) + " <c@d>", Encoding.Latin1.GetString(field.Write()));
    }

    [Fact]
    public void Lines_are_filled_up_to_seventy_octets()
    {
        byte[] field = Encoding.ASCII.GetBytes("To: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@b,\nc@d,\neeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee@f,\ng@h");
        FieldLayout.Fill(field);
        Assert.Equal("To: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@b, c@d,\neeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee@f, g@h", Encoding.ASCII.GetString(field));
    }

    [Fact]
    public void E14_nothing_makes_it_fail_or_lose_an_octet_of_a_word()
    {
        Gen<string> part = Gen.Elements("a", "b.c", "@", "<", ">", "(", ")", "\"", "\\", ",", ";", ":", "[", "]", " ", "\n ", "%", "!", "|", "\u00e9", "\u00c3\u00a9", ".");
        Prop.ForAll(part.ListOf().ToArbitrary(), parts =>
        {
            AddressField field = Parse(string.Concat(parts));
            for (int i = 0; i < field.Count; i++)
                field.Replace(i, field.AddressAt(i));
            byte[] once = field.Write();
            Assert.Equal(parts.Count(p => p == "a"), Encoding.Latin1.GetString(once).Count(c => c == 'a'));
        }).QuickCheckThrowOnFailure();
    }

    private static AddressField Parse(string value) => AddressField.Parse(Encoding.Latin1.GetBytes(value), 10_240);
}
