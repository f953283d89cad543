// Whoever speaks to sockets and interfaces needs their addresses: they come with this module.
@_exported import Addresses
