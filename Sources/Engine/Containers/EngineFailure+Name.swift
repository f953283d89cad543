import EngineWire

extension EngineFailure {
    /// In dockerd's words: test libraries look for them.
    static func nameTaken(_ name: String, by id: String) -> EngineFailure {
        EngineFailure(
            code: .conflict,
            message:
                "Conflict. The container name \"/\(name)\" is already in use by container \"\(id)\". You have to remove (or rename) that container to be able to reuse that name."
        )
    }
}
