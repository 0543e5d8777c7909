using Estafette.Local;

// Three programs in one: the small parent, which stays root, the helper it starts for each user, which does not, and the helper that asks PAM about logins.
return args switch
{
    ["--serve", ..] => Helper.Run(args),
    ["--login", ..] => LoginHelper.Run(args),
    _ => Gatekeeper.Run(args),
};
