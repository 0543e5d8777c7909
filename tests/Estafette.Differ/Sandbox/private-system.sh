#!/bin/sh
# Makes the namespaces that unshare(1) has just opened a small machine of its own, then runs the program given: overlays on the folders that mail servers
# write to, users, a loopback, /dev/log, and the names of the tools. Everything goes with the namespaces; nothing of the machine is touched.
#   private-system.sh HOST CASE BIN PROGRAM [ARGUMENT...]      BIN: Estafette's programs, or - for those of the machine
set -eu
host=$1 case=$2 bin=$3
shift 3
work=/mnt
for place in /mnt /media /srv; do
    case $case$bin$1 in *$place/*) ;; *) work=$place; break ;; esac
done
mount -t tmpfs -o mode=755 tmpfs $work
for folder in etc var home usr root tmp; do
    mkdir -p $work/$folder.up $work/$folder.work
    chmod --reference=/$folder $work/$folder.up
    mount -t overlay overlay -o "lowerdir=/$folder,upperdir=$work/$folder.up,workdir=$work/$folder.work" /$folder
done
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -m 1777 /run/lock
# A /dev of its own, for /dev/log.
mkdir $work/dev
mount -t tmpfs -o mode=755 tmpfs $work/dev
for node in null zero full random urandom tty; do
    : > $work/dev/$node
    mount --bind /dev/$node $work/dev/$node
done
mkdir $work/dev/pts $work/dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts $work/dev/pts
mount -t tmpfs -o mode=1777 tmpfs $work/dev/shm
ln -s pts/ptmx $work/dev/ptmx
ln -s /proc/self/fd $work/dev/fd
ln -s /proc/self/fd/0 $work/dev/stdin
ln -s /proc/self/fd/1 $work/dev/stdout
ln -s /proc/self/fd/2 $work/dev/stderr
mount --rbind $work/dev /dev
# The machine is 192.0.2.1 and 2001:db8:1::1. Behind its only cable is a world in which every address of three networks is at home, for clients and sinks.
ip link set lo up
ip netns add world
ip link add wan type veth peer name cable netns world
ip addr add 192.0.2.1/24 dev wan
ip -6 addr add 2001:db8:1::1/64 dev wan nodad
ip -n world addr add 192.0.2.2/24 dev cable
ip -n world -6 addr add 2001:db8:1::2/64 dev cable nodad
ip -n world link set lo up
ip link set wan up
ip -n world link set cable up
ip route add default via 192.0.2.2
ip -6 route add default via 2001:db8:1::2
ip -n world route add local 198.51.100.0/24 dev lo
ip -n world route add local 203.0.113.0/24 dev lo
ip -n world route add local 2001:db8:2::/64 dev lo
ip netns exec world sh -c "echo 1 > /proc/sys/net/ipv6/ip_nonlocal_bind"
hostname "$host"

rm -rf /etc/resolv.conf /etc/hosts /etc/nsswitch.conf /etc/aliases /etc/aliases.db /etc/mailname /etc/postfix/main.cf /etc/postfix/master.cf /var/mail \
    /var/spool/mail /var/spool/postfix /var/lib/postfix /var/lib/estafette
echo nameserver 127.0.0.53 > /etc/resolv.conf
printf '127.0.0.1 localhost\n::1 localhost ip6-localhost\n192.0.2.1 %s %s\n' "$host" "${host%%.*}" > /etc/hosts
printf 'passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nservices: files\n' > /etc/nsswitch.conf
number=3001
for user in alice bob carol dave vmail estafette; do
    sed -i "/^$user:/d" /etc/passwd /etc/group /etc/shadow
    home=/home/$user
    case $user in vmail) home=/var/vmail ;; estafette) home=/var/lib/estafette ;; esac
    shell=/bin/sh
    case $user in vmail | estafette) shell=/usr/sbin/nologin ;; esac
    echo "$user:x:$number:$number:$user:$home:$shell" >> /etc/passwd
    echo "$user:x:$number:" >> /etc/group
    echo "$user:*:19000:0:99999:7:::" >> /etc/shadow
    install -d -m 755 -o $number -g $number "$home"
    number=$((number + 1))
done
install -d -m 1777 /var/mail /var/written
install -d /etc/postfix /var/spool /var/empty
install -d -o postfix -g root /var/lib/postfix 2>/dev/null || install -d /var/lib/postfix
ln -s ../mail /var/spool/mail
# A program for commands and pipes: keeps what it was given in a file of its own, one a delivery.
cat > /usr/local/bin/keep << 'END'
#!/bin/sh
file=$(mktemp "/var/written/$1.XXXXXX") || exit 75
shift
{
    echo "called: $*"
    echo "as: $(id -un)"
    env | LC_ALL=C sort | grep -E '^(DOMAIN|EXTENSION|LOCAL|LOGNAME|HOME|ORIGINAL_RECIPIENT|RECIPIENT|SENDER|SHELL|USER)='
    echo "input:"
    cat
} > "$file"
END
chmod 755 /usr/local/bin/keep
if [ "$bin" != - ]; then
    mkdir -p /usr/lib/estafette
    mount --bind "$bin" /usr/lib/estafette
    rm -rf /usr/lib/postfix /usr/lib/sendmail
    ln -s ../sbin/sendmail /usr/lib/sendmail
    for tool in estafette sendmail mailq newaliases postconf postmap postalias postqueue postsuper postcat postlog postfix qshape; do
        rm -f /usr/bin/$tool /usr/sbin/$tool
        ln -s /usr/lib/estafette/estafette /usr/sbin/$tool
    done
    ln -s ../sbin/newaliases /usr/bin/newaliases
    ln -s ../sbin/mailq /usr/bin/mailq
else
    install -d /var/spool/postfix
    # sendmail(1) may be called before the server first makes them.
    install -d -m 1730 -o postfix -g postdrop /var/spool/postfix/maildrop
    install -d -m 2710 -o postfix -g postdrop /var/spool/postfix/public
fi
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C TZ=UTC HOME=/root USER=root LOGNAME=root SANDBOX_WORK=$work
unset MAIL_CONFIG MAIL MAILTO ESTAFETTE_CONFIG ESTAFETTE_STATE ESTAFETTE_TEST_BIN
# Not exec: this shell stays as the first process and takes in those whose parents went.
"$@" &
wait $!
