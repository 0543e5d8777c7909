using Estafette.Program.Commands;

// One program under many names: what it is called by decides what it does (O4).
return await Invocation.RunAsync(Invocation.CalledAs(), args);
