import GRDB

print((try? DatabaseQueue().read { try Int.fetchOne($0, sql: "select 1") }) as Any)
