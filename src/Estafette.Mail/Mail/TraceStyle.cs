namespace Estafette.Mail;

/// <summary>Whose wording trace fields use; the content is the same (RFC 5321 s4.4).</summary>
public enum TraceStyle : byte { OpenSmtpd, OpenSmtpdOld, Postfix }
