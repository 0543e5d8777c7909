using System.Collections.Immutable;
using System.Net;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.Postfix;

/// <summary>
/// Promise 2 and E52: a service that would relay mail of strangers to anywhere is refused at start with the line that does it; where it listens on loopback only, a warning. Mail must pass the relay list and the
/// recipient list: one of them must stop foreign destinations before it lets strangers pass. What a stranger can choose (HELO, sender, name) is no reason to let him.
/// </summary>
internal sealed class RelaySafety(ReadingContext context)
{
    private const string Cure = "write `smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination`";

    /// <summary>Prefixes of mynetworks shorter than this hold more than any network of one's own (E52).</summary>
    private const int ShortestPrefix4 = 8;
    private const int ShortestPrefix6 = 16;

    /// <summary>What a list does with mail of a stranger for a foreign destination.</summary>
    private enum Answer : byte { PassesOn, Stops, LetsIn }

    public bool Stops(SmtpdConfig config, ImmutableArray<Restriction> list) => AnswerOf(config, list, out _, 0) == Answer.Stops;

    public void Check(SmtpdConfig config, ListenerConfig listener, ParameterReader reader)
    {
        CheckNetworks(config, reader, listener);
        Answer relay = AnswerOf(config, config.Relay, out Restriction? first, 0);
        Answer recipient = AnswerOf(config, config.Recipient, out Restriction? second, 0);
        if (relay == Answer.Stops || recipient == Answer.Stops)
            return;
        SourceSpan at = (first ?? second)?.At ?? reader.Place(reader.IsSet("smtpd_recipient_restrictions") ? "smtpd_recipient_restrictions" : "smtpd_relay_restrictions");
        string why = (first ?? second) is { } hole ? $"`{hole.Word}` lets strangers in before reject_unauth_destination" : "neither smtpd_relay_restrictions nor smtpd_recipient_restrictions has reject_unauth_destination or another restriction that stops foreign destinations";
        Tell(listener, at, "service " + listener.Spec + " would relay mail of anybody to anywhere: " + why, Cure);
    }

    private void CheckNetworks(SmtpdConfig config, ParameterReader reader, ListenerConfig listener)
    {
        foreach (MatchPattern pattern in config.Networks.Patterns.Where(p => !p.Negated && !p.IsTable))
        {
            int slash = pattern.Text.LastIndexOf('/');
            if (slash < 0 || !int.TryParse(pattern.Text.AsSpan(slash + 1), out int bits))
                continue;
            int least = pattern.Text.Contains(':', StringComparison.Ordinal) ? ShortestPrefix6 : ShortestPrefix4;
            string text = $"mynetworks holds {pattern.Text}: whoever is in it may relay to anywhere";
            if (bits == 0)
                Tell(listener, reader.Place("mynetworks"), text, "name the networks of your own clients");
            else if (bits < least)
                context.Findings.Warning(reader.Place("mynetworks"), text, "name the networks of your own clients");
            else if (IsPublic(pattern.Text[..slash], bits))
                context.Findings.Note(reader.Place("mynetworks"), $"mynetworks holds the public network {pattern.Text}: its clients may relay to anywhere");
        }
    }

    private void Tell(ListenerConfig listener, SourceSpan at, string text, string cure)
    {
        if (IPAddress.IsLoopback(listener.EndPoint.Address))
            context.Findings.Warning(at, text + "; only the loopback address keeps strangers out", cure);
        else
            context.Findings.Error(at, text, cure);
    }

    /// <param name="hole">What lets strangers in.</param>
    private static Answer AnswerOf(SmtpdConfig config, ImmutableArray<Restriction> list, out Restriction? hole, int depth)
    {
        hole = null;
        foreach (Restriction restriction in list)
        {
            switch (restriction.Kind)
            {
                // Behind warn_if_reject nothing is stopped any more, but whoever is let in is in.
                case RestrictionKind.Reject or RestrictionKind.Defer or RestrictionKind.DeferIfPermit or RestrictionKind.RejectUnauthDestination or RestrictionKind.DeferUnauthDestination when restriction.WarnOnly:
                    break;
                case RestrictionKind.Reject or RestrictionKind.Defer or RestrictionKind.DeferIfPermit or RestrictionKind.RejectUnauthDestination or RestrictionKind.DeferUnauthDestination:
                    return Answer.Stops;
                case RestrictionKind.Permit or RestrictionKind.PermitNakedIpAddress:
                    hole = restriction;
                    return Answer.LetsIn;
                case RestrictionKind.Class when depth < 10 && config.Classes.TryGetValue(restriction.Argument, out ImmutableArray<Restriction> members):
                    Answer inner = AnswerOf(config, members, out hole, depth + 1);
                    if (inner == Answer.LetsIn || (inner == Answer.Stops && !restriction.WarnOnly))
                        return inner;
                    break;
            }
        }
        return Answer.PassesOn;
    }

    /// <summary>Neither loopback nor private nor link-local (RFC 1918, RFC 4193, RFC 4291, RFC 6598), and larger than one host.</summary>
    private static bool IsPublic(string network, int bits)
    {
        if (!IPAddress.TryParse(network.Trim('[', ']'), out IPAddress? address) || IPAddress.IsLoopback(address))
            return false;
        if (address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6)
            return bits < 64 && !address.IsIPv6LinkLocal && !address.IsIPv6UniqueLocal;
        byte[] octets = address.GetAddressBytes();
        return bits < 24 && octets[0] != 10 && octets[0] != 127 && !(octets[0] == 172 && octets[1] is >= 16 and < 32) && !(octets[0] == 192 && octets[1] == 168)
            && !(octets[0] == 169 && octets[1] == 254) && !(octets[0] == 100 && octets[1] is >= 64 and < 128);
    }
}
