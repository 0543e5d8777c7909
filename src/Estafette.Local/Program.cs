using Estafette.Local;

// Two programs in one: the small parent, which stays root, and the helper it starts for each user, which does not.
return args is ["--serve", ..] ? Helper.Run(args) : Gatekeeper.Run(args);
