import EngineWire

/// A plan in the output of `berth plan` and `--dry-run`: one line for each action, with what it waits for and why.
package enum PlanText {
    package static func text(_ plan: PlanDescription, style: Style = Style(isColoured: false)) -> String {
        guard !plan.actions.isEmpty else { return "Nothing to do: the machine already matches the file.\n" }
        let width = String(plan.actions.map(\.number).max() ?? 0).count
        return plan.actions.map { action in
            let number = String(repeating: " ", count: width - String(action.number).count) + "\(action.number)"
            let after = action.after.isEmpty ? "" : " after " + action.after.map(String.init).joined(separator: ",")
            let reason = action.reason.isEmpty ? "" : "  # \(action.reason)"
            let consent = action.needsConsent.map { "  ! loses the data of \($0); berth asks first; -y agrees" } ?? ""
            return "\(number) \(action.text)\(after)" + style(.faint, reason) + style(.boldRed, consent) + "\n"
        }.joined()
    }
}
