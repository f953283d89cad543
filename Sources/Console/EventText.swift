import EngineWire
import JSON

/// An event in the output of `berth events`, in docker compose's forms.
package enum EventText {
    /// `2026-01-02 15:04:05.123456 container start ID (image=…, name=…)`; `offset` returns the seconds east of UTC at a
    /// given time.
    package static func line(_ event: ContainerEvent, offset: (Double) -> Int) -> String {
        let attributes = event.attributes.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        let seconds = Int((Double(event.time) / 1e9).rounded(.down))
        let time = CalendarTime(seconds: seconds, offset: offset(Double(seconds)))
        let fraction = CalendarTime.rfc3339(nanoseconds: event.time).suffix("123456789Z".count).prefix(6)
        let text =
            "\(time.date) \(time.time).\(fraction) container \(event.action) \(event.id) (\(attributes.joined(separator: ", ")))"
        return String(text.map { $0.isNewline ? " " : $0 })
    }

    package static func json(_ event: ContainerEvent) -> String {
        var attributes = JSONObject()
        for (key, value) in event.attributes.sorted(by: { $0.key < $1.key }) { attributes[key] = .string(value) }
        var object = JSONObject()
        object["action"] = .string(event.action)
        object["attributes"] = .object(attributes)
        object["id"] = .string(event.id)
        object["service"] = .string(event.service)
        object["time"] = .string(CalendarTime.rfc3339(nanoseconds: event.time))
        object["type"] = "container"
        return JSONValue.object(object).text()
    }
}
