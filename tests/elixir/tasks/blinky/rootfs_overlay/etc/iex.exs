NervesMOTD.print()

# Add Toolshed helpers to the IEx session
use Toolshed
