using Estafette.Mail;
using Estafette.Routing;
using Estafette.Tables;

namespace Estafette.Tests.Delivery.Users;

/// <summary>What local(8) makes of a recipient: each line as Debian's Postfix 3.7 did it.</summary>
public sealed class LocalExpansionTests
{
    private static ExpansionHouse Aliases(string rows, string main = "") => new("alias_maps = inline:{ " + rows + " }\n" + main);

    [Fact]
    public void A_user_has_a_mailbox_and_a_stranger_is_unknown()
    {
        var house = new ExpansionHouse("alias_maps =");
        Assert.Equal("mailbox alice", house.Expand("Alice@here.test"));
        Assert.Equal("mailbox alice", house.Expand("alice+Lists@here.test"));
        Assert.Equal("Failed 5.1.1 unknown user: \"nobodyhere\"", house.Expand("nobodyhere@here.test"));
        Assert.Equal("Delivered 2.0.0 discarded", house.Expand("postmaster@here.test"));
        Assert.Contains("required alias not found: postmaster", house.Warnings);
    }

    [Fact]
    public void V9_aliases_come_before_users_the_whole_name_before_the_one_without_extension()
    {
        ExpansionHouse house = Aliases("alice=bob, { alice+x = carol }, { many = alice, \"|cat > /tmp/x\", /var/x, else@away.test }");
        Assert.Equal("mailbox bob", house.Expand("alice@here.test"));
        Assert.Equal("mailbox carol", house.Expand("alice+x@here.test"));
        Assert.Equal("mailbox bob", house.Expand("alice+y@here.test"));
        Assert.Equal("mailbox bob; AliasTable many |cat > /tmp/x; AliasTable many /var/x; onward else@away.test from from@away.test", house.Expand("many@here.test"));
    }

    [Fact]
    public void An_alias_that_names_itself_means_the_user_and_a_circle_ends()
    {
        ExpansionHouse house = Aliases("alice=alice, self=self, one=two, two=one, { back = \\bob }, { bob = carol }");
        Assert.Equal("mailbox alice", house.Expand("alice@here.test"));
        Assert.Equal("Failed 5.1.1 unknown user: \"self\"", house.Expand("self@here.test"));
        Assert.StartsWith("Failed 5.4.6 alias database loop for ", house.Expand("one@here.test"), StringComparison.Ordinal);
        Assert.Equal("mailbox bob", house.Expand("back@here.test"));
    }

    [Fact]
    public void E32_an_alias_bomb_is_bounded()
    {
        string rows = string.Join(", ", Enumerable.Range(0, 40).Select(i => $"{{ b{i} = b{i + 1}, c{i + 1} }}, {{ c{i} = b{i + 1}, c{i + 1} }}"));
        Assert.True(Aliases(rows).Leaves("b0@here.test").Count < 10);
    }

    [Fact]
    public void A_list_with_an_owner_sends_on_in_its_name()
    {
        ExpansionHouse house = Aliases("{ list = alice, away@away.test }, owner-list=bob");
        Assert.Equal("onward alice@mx.here.test from owner-list@mx.here.test as list; onward away@away.test from owner-list@mx.here.test as list", house.Expand("list@here.test"));
        house = Aliases("{ list = alice }, owner-list=bob", "expand_owner_alias = yes\n");
        Assert.Equal("onward alice@mx.here.test from bob@mx.here.test as list", house.Expand("list@here.test"));
        house = Aliases("{ list = alice }, owner-list=bob", "owner_request_special = no\n");
        Assert.Equal("mailbox alice", house.Expand("list@here.test"));
    }

    [Fact]
    public void A_forward_file_keeps_its_user_s_copy_and_sends_others_on()
    {
        var house = new ExpansionHouse("alias_maps =");
        house.Forwards["alice"] = new ForwardFile.Text("\\alice, away@away.test\n# a comment\nbob\n\"|cat > x\"\n~/copy\n");
        Assert.Equal(
            "mailbox alice; onward away@away.test from from@away.test; onward bob@mx.here.test from from@away.test; ForwardFile alice |cat > x; ForwardFile alice ~/copy",
            house.Expand("alice@here.test"));
        house.Forwards["bob"] = new ForwardFile.Text("# nothing\n");
        Assert.Equal("mailbox bob", house.Expand("bob@here.test"));
        house.Forwards["carol"] = new ForwardFile.Text("carol@here.test\n");
        Assert.Equal("mailbox carol", house.Expand("carol@here.test"));
        house.Forwards["carol+lists"] = new ForwardFile.Text("/home/carol/lists/\n");
        Assert.Equal("ForwardFile carol /home/carol/lists/", house.Expand("carol+lists@here.test"));
    }

    [Fact]
    public void E18_an_unsafe_forward_file_is_ignored_with_a_word_and_an_unreadable_one_waits()
    {
        var house = new ExpansionHouse("alias_maps =");
        house.Forwards["alice"] = new ForwardFile.Unsafe("/home/alice/.forward may be written by others");
        Assert.Equal("mailbox alice", house.Expand("alice@here.test"));
        Assert.Contains(house.Warnings, w => w.Contains("may be written by others", StringComparison.Ordinal));
        house.Forwards["bob"] = new ForwardFile.Unavailable("no such mount");
        Assert.Equal("Deferred 4.3.0 no such mount", house.Expand("bob@here.test"));
    }

    [Fact]
    public void Commands_and_files_are_for_those_whom_the_configuration_names()
    {
        string list = Path.GetTempFileName();
        File.WriteAllText(list, "alice, \"|cat\"\n/var/x\n# nobody\naway@away.test (a comment)\n");
        try
        {
            string rows = $"{{ l = :include:{list} }}, {{ c = |cat }}, {{ f = /x }}, {{ r = :include:list }}, {{ n = :include:/no/such/list }}, {{ h = ~/x }}";
            ExpansionHouse house = Aliases(rows);
            Assert.Equal("onward alice@mx.here.test from from@away.test; Failed 5.7.1 mail to command is restricted; Failed 5.7.1 mail to file is restricted; onward away@away.test from from@away.test", house.Expand("l@here.test"));
            foreach (string name in (string[])["r", "n", "h"])
                Assert.Equal("Failed 5.3.5 mail system configuration error", house.Expand(name + "@here.test"));
            house = Aliases(rows, "allow_mail_to_commands = include\nallow_mail_to_files =\n");
            Assert.Contains("AliasTable l |cat", house.Expand("l@here.test"), StringComparison.Ordinal);
            Assert.Equal("Failed 5.7.1 mail to command is restricted", house.Expand("c@here.test"));
            Assert.Equal("Failed 5.7.1 mail to file is restricted", house.Expand("f@here.test"));
        }
        finally
        {
            File.Delete(list);
        }
    }

    [Fact]
    public void E44_a_table_that_cannot_be_asked_defers()
    {
        var house = new ExpansionHouse("alias_maps = fail:broken\n");
        Assert.Equal("Deferred 4.3.0 alias database unavailable", house.Expand("alice@here.test"));
    }

    [Fact]
    public void What_a_stranger_writes_names_no_command()
    {
        ExpansionHouse house = new("alias_maps = pcre:{ { /^(.*)$$/ |$$1 } }\n");
        Assert.Equal("mailbox alice", house.Expand("alice@here.test"));
    }

    [Fact]
    public void Transports_take_the_place_of_the_mailbox_or_of_nobody()
    {
        var house = new ExpansionHouse("alias_maps =\nmailbox_transport_maps = inline:{ bob=lmtp:inet:[127.0.0.1]:24 }\nmailbox_transport = dovecot\nfallback_transport = lmtp:unix:/x\n");
        Assert.Equal("passed lmtp:inet:[127.0.0.1]:24 bob@here.test", house.Expand("bob@here.test"));
        Assert.Equal("passed dovecot:here.test nobodyhere@here.test", house.Expand("nobodyhere@here.test"));
        house = new ExpansionHouse("alias_maps =\nfallback_transport = lmtp:unix:/x\n");
        Assert.Equal("mailbox alice", house.Expand("alice@here.test"));
        Assert.Equal("passed lmtp:unix:/x nobodyhere@here.test", house.Expand("nobodyhere@here.test"));
    }

    [Fact]
    public void The_unknown_go_to_luser_relay_with_its_macros()
    {
        var house = new ExpansionHouse("alias_maps =\nluser_relay = alice+$user\n");
        Assert.Equal("mailbox alice", house.Expand("who@here.test"));
        house = new ExpansionHouse("alias_maps =\nluser_relay = $local@else.test\n");
        Assert.Equal("onward Who+x@else.test from from@away.test", house.Expand("Who+x@here.test"));
        house = new ExpansionHouse("alias_maps =\nluser_relay = $recipient\n");
        Assert.Equal("Failed 5.1.1 unknown user: \"who\"", house.Expand("who@here.test"));
    }

    [Fact]
    public void A_mailbox_command_of_a_map_is_the_user_s()
    {
        var house = new ExpansionHouse("alias_maps =\nmailbox_command_maps = inline:{ { bob = /bin/cat >x } }\n");
        Assert.Equal("CommandTable bob |/bin/cat >x; mailbox alice", house.Expand("bob@here.test") + "; " + house.Expand("alice@here.test"));
    }

    [Fact]
    public void E31_mail_that_was_here_before_loops()
    {
        ExpansionHouse house = Aliases("list=alice");
        Assert.Equal("Failed 5.4.6 mail forwarding loop for alice@here.test", house.Expand("alice@here.test", "Received: x\r\nDelivered-To: Alice@Here.test\r\n"));
        Assert.Equal("mailbox alice", house.Expand("alice@here.test", "Subject: x\r\n"));
        Assert.Equal("Failed 5.4.6 mail forwarding loop for alice@mx.here.test", house.Expand("list@here.test", "Delivered-To: alice@mx.here.test\r\n"));
    }

    [Fact]
    public void Extensions_go_on_where_that_is_wanted()
    {
        Assert.Equal("onward else@away.test from from@away.test", Aliases("list=else@away.test").Expand("list+x@here.test"));
        Assert.Equal("onward else+x@away.test from from@away.test", Aliases("list=else@away.test", "propagate_unmatched_extensions = alias\n").Expand("list+x@here.test"));
    }

    /// <summary>Postfix lets such mail wait, with the same words: to nobody is lost.</summary>
    [Fact]
    public void An_alias_that_names_nobody_lets_mail_wait() =>
        Assert.Equal("Deferred 4.3.0 alias database unavailable", Aliases("{ empty = (nobody yet) }").Expand("empty@here.test"));

    [Fact]
    public void E32_a_list_that_includes_itself_is_read_once() => WithList(list =>
    {
        File.WriteAllText(list, $":include:{list}\n:include:{list}\naway@away.test\n");
        Assert.Equal("onward away@away.test from from@away.test", Aliases($"{{ l = :include:{list} }}").Expand("l@here.test"));
    });

    [Fact]
    public void E32_a_long_list_is_whole_and_of_one_beyond_the_limit_nobody_is_left_out_unheard() => WithList(list =>
    {
        File.WriteAllLines(list, Enumerable.Range(0, 12_000).Select(i => $"m{i}@away.test"));
        ExpansionHouse house = Aliases($"{{ l = :include:{list} }}");
        Assert.Equal(12_000, house.Leaves("l@here.test").Count);
        File.WriteAllLines(list, Enumerable.Range(0, TargetList.MaximumTargets + 1).Select(i => $"m{i}@away.test"));
        Assert.StartsWith("Failed 5.4.6 a list for l@here.test names more than ", house.Expand("l@here.test"), StringComparison.Ordinal);
    });

    [Fact]
    public void A_forward_file_that_was_followed_leaves_no_second_copy_in_the_mailbox()
    {
        ExpansionHouse house = Aliases("{ all = alice, again }, again=alice");
        house.Forwards["alice"] = new ForwardFile.Text("away@away.test\n");
        Assert.Equal("onward away@away.test from from@away.test", house.Expand("all@here.test"));
    }

    private static void WithList(Action<string> test)
    {
        string list = Path.GetTempFileName();
        try
        {
            test(list);
        }
        finally
        {
            File.Delete(list);
        }
    }
}
