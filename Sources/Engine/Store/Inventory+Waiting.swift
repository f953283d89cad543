extension Inventory {
    /// Like `change(of:after:)`, but waits at most `limit` on the machine's clock.
    nonisolated func change(of subject: Subject, after epoch: Int, atMost limit: Duration, on machine: any Machine)
        async
    {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.change(of: subject, after: epoch) }
            group.addTask { try? await machine.sleep(limit) }
            await group.next()
            group.cancelAll()
        }
    }
}
