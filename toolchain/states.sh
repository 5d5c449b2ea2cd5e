# Sourced by build.sh: the state machine of a mount, drawn from its tables.
# shellcheck shell=sh

# states_page: src/README.md with the picture of now between its two marks.
states_page()
{
	awk -v picture="$1" '
		/^<!-- states: end -->/ { inside = 0 }
		!inside { print }
		/^<!-- states: begin/ {
			inside = 1
			print "\n```mermaid"
			while ((getline line < picture) > 0) print line
			print "```\n"
		}' src/README.md
}

cmd_states()
{
	need build test
	begin
	build_host
	end
	case ${1:-} in
	dot) out/host/states_tool dot ;;
	"")
		out/host/states_tool >out/host/states.mmd
		states_page out/host/states.mmd >out/host/README.md
		cp out/host/README.md src/README.md
		say "src/README.md shows the states as they are" ;;
	*) die "states: unknown form: $1 (there is: dot)" ;;
	esac
}
