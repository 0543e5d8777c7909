using System.Text;
using Estafette.Program.Submission;

namespace Estafette.Tests.Submission;

/// <summary>How a message on standard input falls apart into header and body.</summary>
public sealed class MessageInputTests
{
    private static async Task<(string Header, string Body)> ReadAsync(string text, bool endsAtDot = false)
    {
        await using MessageInput message = await MessageInput.ReadAsync(new MemoryStream(Encoding.UTF8.GetBytes(text)), endsAtDot, CancellationToken.None);
        using var body = new StreamReader(message.Body, leaveOpen: true);
        return (Encoding.UTF8.GetString(message.Header), await body.ReadToEndAsync());
    }

    [Fact]
    public async Task Header_and_body_are_kept_octet_by_octet()
    {
        Assert.Equal(("Subject: x\n folded\nTo: y\n", "body\r\n\nmore"), await ReadAsync("Subject: x\n folded\nTo: y\n\nbody\r\n\nmore"));
    }

    [Fact]
    public async Task V3_a_first_line_that_is_no_field_is_body() => Assert.Equal(("", "Hello, World!\n"), await ReadAsync("Hello, World!\n"));

    [Fact]
    public async Task A_header_without_its_empty_line_ends_where_the_text_begins() =>
        Assert.Equal(("Subject: x\n", "no field here\n"), await ReadAsync("Subject: x\nno field here\n"));

    [Fact]
    public async Task A_lone_dot_ends_the_message_only_where_it_should()
    {
        Assert.Equal(("S: x\n", "a\n.\nb\n"), await ReadAsync("S: x\n\na\n.\nb\n"));
        Assert.Equal(("S: x\n", "a\n"), await ReadAsync("S: x\n\na\n.\nb\n", endsAtDot: true));
        Assert.Equal(("S: x\n", "..\n. \n"), await ReadAsync("S: x\n\n..\n. \n.\r\nb\n", endsAtDot: true));
    }

    [Fact]
    public async Task A_body_larger_than_memory_allows_is_the_same_from_disk()
    {
        string body = string.Concat(Enumerable.Repeat("0123456789abcdef\n", 200_000));
        Assert.Equal(("S: x\n", body), await ReadAsync("S: x\n\n" + body));
    }

    [Fact]
    public async Task E3_the_wire_carries_only_CRLF_and_doubled_dots()
    {
        await using MessageInput message = await MessageInput.ReadAsync(new MemoryStream("S: x\n\n.dot\nbare\rreturn\r\nend"u8.ToArray()), false, CancellationToken.None);
        using var wire = new MemoryStream();
        var submission = new global::Estafette.Program.Submission.Submission { ReversePath = "", Recipients = ["x"], Header = "S: x\n\n"u8.ToArray(), Message = message };
        await MessageEncoder.WriteAsync(submission, wire, CancellationToken.None);
        Assert.Equal("S: x\r\n\r\n..dot\r\nbare return\r\nend\r\n", Encoding.ASCII.GetString(wire.ToArray()));
    }
}
