using System.Net;
using System.Text;
using Estafette.Dns;
using FsCheck;
using FsCheck.Fluent;
using static Estafette.Tests.Dns.FakeNameServer;

namespace Estafette.Tests.Dns;

public sealed class DnsMessageTests
{
    private static readonly byte[] Header = [0, 1, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0];

    [Fact]
    public void Compression_is_read_and_only_leads_backwards()
    {
        byte[] question = [.. Name("x.test"), 0, 15, 0, 1];
        byte[] message = [.. Header, .. question, 0xC0, 12, 0, 15, 0, 1, 0, 0, 0, 60, 0, 6, 0, 10, 1, (byte)'A', 0xC0, 14];
        Assert.True(DnsResponse.TryParse(message, out DnsResponse response));
        DnsRecord record = Assert.Single(response.Answers);
        Assert.Equal(("x.test", new MxRecord(10, "a.test")), (record.Name, record.Value));

        foreach (byte target in (byte[])[(byte)(message.Length - 2), (byte)(message.Length - 4), 255])
        {
            message[^1] = target;
            Assert.False(DnsResponse.TryParse(message, out _));
        }
    }

    [Fact]
    public void A_name_may_have_255_octets_and_no_more()
    {
        string label = new('a', 63);
        string longest = $"{label}.{label}.{label}.{new string('b', 61)}";
        Assert.True(DnsName.TryNormalize(longest, out _));
        Assert.False(DnsName.TryNormalize(longest + "b", out _));
        byte[] wire = Name(longest);
        Assert.Equal(255, wire.Length);
        int at = 0;
        Assert.True(DnsName.TryRead(wire, ref at, out string read));
        Assert.Equal((longest, 255), (read, at));
        // One label more, by a pointer.
        byte[] pointing = [.. wire, 1, (byte)'c', 0xC0, 0];
        at = 255;
        Assert.False(DnsName.TryRead(pointing, ref at, out _));
    }

    [Fact]
    public void Octets_that_no_host_has_are_escaped()
    {
        int at = 0;
        Assert.True(DnsName.TryRead([4, (byte)'a', (byte)'.', (byte)'\n', 200, 0], ref at, out string name));
        Assert.Equal("a\\046\\010\\200", name);
        Assert.False(DnsName.TryNormalize(name, out _));
    }

    [Fact]
    public void Text_of_several_strings_is_one_and_TLSA_is_read()
    {
        DnsResponse txt = Parse(Record("x.test", DnsRecordType.Txt, 60, [2, (byte)'a', (byte)'b', 0, 1, 0xE9]));
        Assert.Equal("ab\u00e9", Assert.Single(txt.Answers).Value);
        var tlsa = (TlsaRecord)Assert.Single(Parse(Record("x.test", DnsRecordType.Tlsa, 60, [3, 1, 1, 7, 8])).Answers).Value;
        Assert.Equal((3, 1, 1, 2), (tlsa.Usage, tlsa.Selector, tlsa.Matching, tlsa.Data.Length));
    }

    [Theory]
    [InlineData(DnsRecordType.A, new byte[] { 1, 2, 3 })]
    [InlineData(DnsRecordType.Aaaa, new byte[] { 1, 2, 3, 4 })]
    [InlineData(DnsRecordType.Txt, new byte[] { 9, 1 })]
    [InlineData(DnsRecordType.Mx, new byte[] { 0, 1 })]
    [InlineData(DnsRecordType.Cname, new byte[] { 0, 0 })]
    [InlineData(DnsRecordType.Tlsa, new byte[] { 3, 1, 1 })]
    [InlineData(DnsRecordType.Soa, new byte[] { 0, 0, 1 })]
    public void A_broken_record_breaks_the_message(DnsRecordType type, byte[] data) =>
        Assert.False(DnsResponse.TryParse([.. Header, .. Name("x.test"), 0, 1, 0, 1, .. Record("x.test", type, 60, data)], out _));

    [Fact]
    public void A_time_to_live_with_the_highest_bit_is_zero() =>
        Assert.Equal(0u, Assert.Single(Parse(A("x.test", "192.0.2.1", 0x80000001)).Answers).Ttl);

    [Fact]
    public void Questions_carry_EDNS_and_are_readable()
    {
        var question = new DnsQuestion("x.test", DnsRecordType.Mx, false);
        byte[] buffer = new byte[DnsQuestion.MaximumLength];
        byte[] message = buffer[..question.Write(buffer, true)];
        Assert.Equal((byte[])[.. Name("x.test"), 0, 15, 0, 1, 0, 0, 41, 0x04, 0xD0, 0, 0, 0, 0, 0, 0], message[12..]);
        message[2] |= 0x80;
        Assert.True(DnsResponse.TryParse(message, out DnsResponse echo) && question.IsAnsweredBy(echo));
    }

    /// <summary>Damages a real answer at random places: the parser says yes or no, and never throws or runs long.</summary>
    [Fact]
    public void Any_octets_are_read_without_fault()
    {
        byte[] seed = [.. Header, .. Name("x.test"), 0, 15, 0, 1, .. Mx("x.test", 1, "a.x.test"), .. Cname("b.test", "c.test"), .. A("x", "192.0.2.1"), .. Record("x", DnsRecordType.Txt, 1, [1, 65])];
        seed[7] = 4;
        Gen<(int, int)[]> damage = Gen.Zip(Gen.Choose(0, seed.Length - 1), Gen.Choose(0, 255), (i, v) => (i, v)).ArrayOf();
        Check.One(FsCheck.Config.QuickThrowOnFailure.WithMaxTest(2000), Prop.ForAll(damage.ToArbitrary(), Gen.Choose(0, seed.Length).ToArbitrary(), (changes, length) =>
        {
            byte[] message = (byte[])seed.Clone();
            foreach ((int index, int value) in changes)
                message[index] = (byte)value;
            DnsResponse.TryParse(message.AsSpan(0, length), out _);
            DnsResponse.TryParse(message, out _);
        }));
        Prop.ForAll<byte[]>(octets => DnsResponse.TryParse([0, 1, 0x80, .. octets], out _) || true).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Names_go_to_the_wire_and_back()
    {
        Gen<string> label = Gen.Elements([.. "abcXYZ019-_*"]).NonEmptyListOf().Select(c => new string([.. c.Take(63)]));
        Gen<string> name = label.NonEmptyListOf().Select(l => string.Join('.', l.Take(3)));
        Prop.ForAll(name.ToArbitrary(), text =>
        {
            byte[] wire = Name(text);
            int at = 0;
            Assert.True(DnsName.TryRead(wire, ref at, out string read));
            Assert.Equal((text, wire.Length), (read, at));
        }).QuickCheckThrowOnFailure();
    }

    [Theory]
    [InlineData("192.0.2.7", "7.2.0.192.in-addr.arpa")]
    [InlineData("2001:db8::567:89ab", "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa")]
    public void Reverse_names(string address, string name) => Assert.Equal(name, ReverseLookup.NameOf(IPAddress.Parse(address)));

    private static DnsResponse Parse(byte[] record)
    {
        Assert.True(DnsResponse.TryParse([.. Header, .. Name("x.test"), 0, 1, 0, 1, .. record], out DnsResponse response), Encoding.Latin1.GetString(record));
        return response;
    }
}
