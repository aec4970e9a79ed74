# A shell in a network and a mount namespace of its own, which end with it. It says its process id, runs each line of its
# input, and then says “done”, or “failed”.
#   private-network
set -u
if [ "${1:-}" != --inside ]; then
    exec unshare --net --mount -- sh "$0" --inside
fi
echo "$$"
while IFS= read -r line; do
    if eval "$line"; then echo done; else echo failed; fi
done
