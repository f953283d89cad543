// Code that uses sockets and interfaces needs addresses, so this module exports them.
@_exported import Addresses
