struct RegistrySessions {}
struct PullKey: Hashable {}
struct SharedPull {}
