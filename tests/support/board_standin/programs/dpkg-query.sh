# Stands in for dpkg-query -W: the packages of the board, name and version.
cat "$(dirname "$0")/../standin/packages"
