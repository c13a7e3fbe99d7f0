# Stands in for dpkg -l: the packages of the board, as its table shows them.
echo "||/ Name Version Architecture Description"
while read -r name version; do
  echo "ii  $name $version arm64 of the board"
done < "$(dirname "$0")/../standin/packages"
