using System.Collections.Immutable;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.Postfix;

/// <summary>
/// Gives main.cf and master.cf their meaning: each area has a lowering of its own on the same <see cref="ParameterReader"/>. What no lowering reads is told at the end, so that nothing is silently ignored.
/// </summary>
internal sealed class PostfixLowering(ReadingContext context)
{
    public MailConfig Lower(string? hostName)
    {
        ParameterReader global = context.Global();
        string name = hostName ?? global.Text("myhostname");
        CheckChoices(global);
        var smtpd = new SmtpdLowering(context);
        var cleanup = new CleanupLowering(context);
        var delivery = new DeliveryLowering(context);
        ServiceEntry? pickup = context.Settings.Services.FirstOrDefault(s => s.Command == "pickup");
        CleanupConfig local = cleanup.Lower(pickup is null ? global : context.Of(pickup));
        var config = new MailConfig
        {
            Dialect = Dialect.Postfix,
            Source = context.Folder,
            HostName = name,
            Listeners = new ListenerLowering(context, smtpd, cleanup).Lower(name),
            LocalSubmission = new LocalSubmissionConfig { Submitters = cleanup.Submitters(), Cleanup = local },
            Maps = new RewritingLowering(context).Lower(global),
            Actions = new PaceLowering(context).Apply(delivery.Lower()),
            Identities = smtpd.Identities.SetItems(delivery.Identities),
            TrustAnchors = smtpd.TrustAnchors,
            Retry = QueueLowering.Retry(global),
            Notifications = QueueLowering.Notifications(global),
            Limits = QueueLowering.Limits(global),
            Log = OperationLowering.Log(global),
            Operation = OperationLowering.Operation(global),
            SubaddressDelimiters = global.Text("recipient_delimiter"),
            MaildirNaming = MaildirNaming.Postfix,
            Announced = AnnouncedExtensions.All,
        };
        new ServiceCheck(context).Tell();
        new UnusedParameters(context).Tell();
        return config with { Tables = context.Tables.ToImmutable() };
    }

    /// <summary>What defaults of others are made from: a slip there changes many of them.</summary>
    private static void CheckChoices(ParameterReader global)
    {
        string level = global.Text("compatibility_level");
        if (!CompatibilityLevel.TryParse(level, out _))
            global.Fail("compatibility_level", "malformed compatibility level syntax: \"" + level + "\"", "write the release whose defaults are meant, such as 3.6");
        string style = global.Text("mynetworks_style");
        if (style.ToLowerInvariant() is not ("class" or "subnet" or "host"))
            global.Fail("mynetworks_style", "unknown mynetworks_style value \"" + style + "\"", "write host, subnet or class");
        DisabledServices.Check(global);
        // Stands in banners and in the words of others.
        global.Text("mail_name");
    }
}
