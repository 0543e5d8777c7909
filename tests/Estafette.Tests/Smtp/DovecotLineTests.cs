using System.Text;
using FsCheck;
using FsCheck.Fluent;
using global::Estafette.Smtp;

namespace Estafette.Tests.Smtp;

public sealed class DovecotLineTests
{
    [Fact]
    public void Fields_are_found_by_name()
    {
        var fields = DovecotLine.Split("17\tuser=a\u0001tb\ttemp\treason=x=y"u8);
        Assert.Equal(["17", "user=a\tb", "temp", "reason=x=y"], fields.AsEnumerable());
        Assert.Equal("a\tb", DovecotLine.Value(fields, "user"));
        Assert.Equal("x=y", DovecotLine.Value(fields, "reason"));
        Assert.Null(DovecotLine.Value(fields, "temp"));
        Assert.Null(DovecotLine.Value(fields, "use"));
    }

    [Fact]
    public void E11_whatever_is_in_a_field_stays_in_it() =>
        Prop.ForAll(Gen.Elements("ab\t\r\n\0\u0001=\u00e4".ToCharArray()).ArrayOf().Select(c => new string(c)).ListOf().Where(l => l.Count > 0).ToArbitrary(), fields =>
        {
            string line = DovecotLine.Join([.. fields]);
            return line.IndexOf('\n', StringComparison.Ordinal) == line.Length - 1 && DovecotLine.Split(Encoding.UTF8.GetBytes(line[..^1])).SequenceEqual(fields);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Nothing_makes_the_reader_throw() =>
        Prop.ForAll<byte[]>(octets => DovecotLine.Split(octets).Length > 0).QuickCheckThrowOnFailure();
}
