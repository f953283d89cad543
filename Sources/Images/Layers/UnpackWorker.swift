import Linux

func unpackInProcess(
    _ program: String, _ arguments: [String], _ blob: borrowing OwnedFD, _ root: borrowing OwnedFD,
    _ limits: UnpackLimits
) throws -> UnpackedLayer {
    throw ImageError.failed("no worker")
}
