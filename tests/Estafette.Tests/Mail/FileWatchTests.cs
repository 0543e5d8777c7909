using System.Collections.Immutable;
using Estafette.Mail;
using FsCheck;
using FsCheck.Fluent;

namespace Estafette.Tests.Mail;

/// <summary>When a change of a file is told, and the list of what is looked at.</summary>
public sealed class FileWatchTests
{
    private static readonly WatchStamp s_old = new(1, 2, 3, 4, 5);
    private static readonly WatchStamp s_new = new(1, 9, 3, 4, 5);
    private readonly Dictionary<string, WatchStamp> _disk = new() { ["/cert"] = s_old, ["/key"] = s_old };

    private FileWatch Watch() => new([new WatchedPath("/cert", s_old), new WatchedPath("/key", s_old)]);

    private bool Look(FileWatch watch) => watch.Look(path => _disk.GetValueOrDefault(path));

    [Fact]
    public void A_change_is_told_once_and_only_when_it_stands_still()
    {
        FileWatch watch = Watch();
        Assert.False(Look(watch));
        Assert.Equal(FileWatch.Interval, watch.Pause);
        _disk["/cert"] = s_new;
        Assert.False(Look(watch));
        Assert.Equal(FileWatch.Settling, watch.Pause);
        _disk["/key"] = s_new;
        Assert.False(Look(watch));
        Assert.True(Look(watch));
        Assert.False(Look(watch));
        Assert.Equal(FileWatch.Interval, watch.Pause);
        _disk.Remove("/key");
        Assert.False(Look(watch));
        Assert.True(Look(watch));
    }

    [Fact]
    public void A_change_between_reading_and_the_first_look_is_seen()
    {
        _disk["/key"] = s_new;
        FileWatch watch = Watch();
        Assert.False(Look(watch));
        Assert.True(Look(watch));
    }

    [Fact]
    public void What_changes_back_is_not_told_and_what_never_stands_still_is()
    {
        FileWatch watch = Watch();
        _disk["/cert"] = s_new;
        Assert.False(Look(watch));
        _disk["/cert"] = s_old;
        Assert.False(Look(watch));
        Assert.False(watch.IsRestless);
        int looks = 1;
        for (_disk["/cert"] = s_new; !Look(watch); looks++)
            _disk["/cert"] = s_new with { Size = looks };
        Assert.InRange(looks, 5, 20);
    }

    [Fact]
    public void A_list_survives_the_file_and_anything_else_is_refused()
    {
        ImmutableArray<WatchedPath> files = [new("/etc/ssl/m\u00e4il =key\n.pem", s_new), new("/x", new WatchStamp(ulong.MaxValue, 0, long.MaxValue, -1, 0)), new("/gone", default)];
        byte[] octets = WatchList.Encode(files);
        Assert.True(WatchList.TryDecode(octets, out ImmutableArray<WatchedPath> read));
        Assert.Equal(files.AsEnumerable(), read);
        for (int length = 0; length < octets.Length; length++)
        {
            if (WatchList.TryDecode(octets.AsSpan(0, length), out read))
                Assert.Equal(files.Take(read.Length), read.AsEnumerable());
        }
        Assert.False(WatchList.TryDecode(WatchList.Encode(Enumerable.Repeat(files[1], WatchList.MaximumFiles)).Concat("1 2 3 4 5 =/more\n"u8.ToArray()).ToArray(), out _));
    }

    [Fact]
    public void Rubbish_is_no_list() => Prop.ForAll(ArbMap.Default.ArbFor<byte[]>(), octets =>
    {
        byte[] marked = [.. "estafette-watch 1\n"u8, .. octets, (byte)'\n'];
        return !WatchList.TryDecode(octets, out _) && (!WatchList.TryDecode(marked, out ImmutableArray<WatchedPath> read) || read.Length > 0);
    }).QuickCheckThrowOnFailure();
}
