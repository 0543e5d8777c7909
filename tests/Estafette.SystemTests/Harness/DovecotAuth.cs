namespace Estafette.SystemTests.Harness;

/// <summary>Dovecot's auth service and nothing else, with everything it writes in one folder: its users are those of <c>passwd</c> there, its socket lies in <c>run</c>.</summary>
internal static class DovecotAuth
{
    /// <summary>Writes the configuration and tells its path.</summary>
    public static string Write(TemporaryFolder folder, string mechanisms, string socketName) => folder.Write("dovecot.conf", $$"""
        base_dir = {{folder["run"]}}
        state_dir = {{folder["dovecot-state"]}}
        log_path = /dev/stderr
        protocols =
        ssl = no
        auth_mechanisms = {{mechanisms}}
        auth_failure_delay = 0 secs
        auth_verbose = yes
        passdb {
          driver = passwd-file
          args = {{folder["passwd"]}}
        }
        userdb {
          driver = static
          args = uid=65534 gid=65534 home=/nonexistent
        }
        # Else all logins of one address wait for longer after each refused one.
        service anvil {
          unix_listener anvil-auth-penalty {
            mode = 0
          }
        }
        service auth {
          unix_listener {{socketName}} {
            mode = 0666
          }
        }

        """);
}
