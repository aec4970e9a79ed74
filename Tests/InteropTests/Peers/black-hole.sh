# Runs a program in a network namespace of its own, which ends with it: packets to 198.51.100.2 and fd00:db8::2 vanish there
# without an answer, and the loopback interface works as usual.
#   black-hole PROGRAM [ARGUMENT…]
set -eu
if [ "${1:-}" != --inside ]; then
    exec unshare --net -- sh "$0" --inside "$@"
fi
shift
ip link set lo up
# What enters one end comes out of the other, where nobody waits for it. The neighbours are given: nobody has to be asked.
ip link add hole type veth peer name outside
ip link set hole up
ip link set outside up
ip address add 198.51.100.1/24 dev hole
ip address add fd00:db8::1/64 dev hole nodad
ip neighbour add 198.51.100.2 lladdr 02:00:00:00:00:02 dev hole
ip neighbour add fd00:db8::2 lladdr 02:00:00:00:00:02 dev hole
exec "$@"
