import Glibc
import NameService

exit(runNameService(CommandLine.arguments))
