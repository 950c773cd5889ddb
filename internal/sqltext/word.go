package sqltext

// word is a keyword. Words of which nothing depends here are noWord.
type word uint8

// The keywords. Those after lastReserved are names wherever no keyword is expected.
const (
	noWord word = iota
	wAdd
	wAll
	wAlter
	wAnd
	wAs
	wAutoincrement
	wBetween
	wCase
	wCheck
	wCollate
	wCommit
	wConstraint
	wCreate
	wCross
	wDefault
	wDeferrable
	wDelete
	wDistinct
	wDrop
	wElse
	wEscape
	wExcept
	wExists
	wForeign
	wFrom
	wFull
	wGroup
	wHaving
	wIn
	wIndex
	wIndexed
	wInner
	wInsert
	wIntersect
	wInto
	wIs
	wIsnull
	wJoin
	wLeft
	wLimit
	wNatural
	wNot
	wNothing
	wNotnull
	wNull
	wOn
	wOr
	wOrder
	wOuter
	wPrimary
	wReferences
	wReturning
	wRight
	wSelect
	wSet
	wTable
	wThen
	wTo
	wTransaction
	wUnion
	wUnique
	wUpdate
	wUsing
	wValues
	wWhen
	wWhere
	lastReserved
	wAction
	wAlways
	wAnalyze
	wAsc
	wAttach
	wBegin
	wBy
	wCall
	wCascade
	wColumn
	wConflict
	wDeferred
	wDesc
	wDetach
	wDo
	wEnd
	wExclusive
	wExplain
	wGenerated
	wIf
	wImmediate
	wInitially
	wKey
	wMatch
	wMaterialized
	wNo
	wOf
	wPlan
	wPragma
	wQuery
	wRecursive
	wReindex
	wRelease
	wRename
	wReplace
	wRestrict
	wRollback
	wRowid
	wSavepoint
	wStored
	wStrict
	wTemp
	wTemporary
	wTimestamp
	wTrigger
	wUse
	wVacuum
	wView
	wVirtual
	wWindow
	wWith
	wWithout
)

// longestWord is the length of the longest keyword.
const longestWord = 13

// reserved reports whether the word cannot be a name unless it is quoted.
func (w word) reserved() bool { return w > noWord && w < lastReserved }

// joins reports whether the word can be a name after AS although it begins a join.
func (w word) joins() bool {
	switch w {
	case wCross, wFull, wInner, wLeft, wNatural, wOuter, wRight, wIndexed:
		return true
	}
	return false
}

// wordOf returns the keyword that text is, in any case of letters.
func wordOf(text string) word {
	if len(text) < 2 || len(text) > longestWord {
		return noWord
	}
	var lower [longestWord]byte
	for i := range len(text) {
		lower[i] = text[i] | 0x20
	}
	return lowerWord(string(lower[:len(text)]))
}

// lowerWord returns the keyword that a text in small letters is.
func lowerWord(text string) word {
	switch text {
	case "action":
		return wAction
	case "add":
		return wAdd
	case "all":
		return wAll
	case "alter":
		return wAlter
	case "always":
		return wAlways
	case "analyze":
		return wAnalyze
	case "and":
		return wAnd
	case "as":
		return wAs
	case "asc":
		return wAsc
	case "attach":
		return wAttach
	case "autoincrement":
		return wAutoincrement
	case "begin":
		return wBegin
	case "between":
		return wBetween
	case "by":
		return wBy
	case "call":
		return wCall
	case "cascade":
		return wCascade
	case "case":
		return wCase
	case "check":
		return wCheck
	case "collate":
		return wCollate
	case "column":
		return wColumn
	case "commit":
		return wCommit
	case "conflict":
		return wConflict
	case "constraint":
		return wConstraint
	case "create":
		return wCreate
	case "cross":
		return wCross
	case "default":
		return wDefault
	case "deferrable":
		return wDeferrable
	case "deferred":
		return wDeferred
	case "delete":
		return wDelete
	case "desc":
		return wDesc
	case "detach":
		return wDetach
	case "distinct":
		return wDistinct
	case "do":
		return wDo
	case "drop":
		return wDrop
	case "else":
		return wElse
	case "end":
		return wEnd
	case "escape":
		return wEscape
	case "except":
		return wExcept
	case "exclusive":
		return wExclusive
	case "exists":
		return wExists
	case "explain":
		return wExplain
	case "foreign":
		return wForeign
	case "from":
		return wFrom
	case "full":
		return wFull
	case "generated":
		return wGenerated
	case "group":
		return wGroup
	case "having":
		return wHaving
	case "if":
		return wIf
	case "immediate":
		return wImmediate
	case "in":
		return wIn
	case "index":
		return wIndex
	case "indexed":
		return wIndexed
	case "initially":
		return wInitially
	case "inner":
		return wInner
	case "insert":
		return wInsert
	case "intersect":
		return wIntersect
	case "into":
		return wInto
	case "is":
		return wIs
	case "isnull":
		return wIsnull
	case "join":
		return wJoin
	case "key":
		return wKey
	case "left":
		return wLeft
	case "limit":
		return wLimit
	case "match":
		return wMatch
	case "materialized":
		return wMaterialized
	case "natural":
		return wNatural
	case "no":
		return wNo
	case "not":
		return wNot
	case "nothing":
		return wNothing
	case "notnull":
		return wNotnull
	case "null":
		return wNull
	case "of":
		return wOf
	case "on":
		return wOn
	case "or":
		return wOr
	case "order":
		return wOrder
	case "outer":
		return wOuter
	case "plan":
		return wPlan
	case "pragma":
		return wPragma
	case "primary":
		return wPrimary
	case "query":
		return wQuery
	case "recursive":
		return wRecursive
	case "references":
		return wReferences
	case "reindex":
		return wReindex
	case "release":
		return wRelease
	case "rename":
		return wRename
	case "replace":
		return wReplace
	case "restrict":
		return wRestrict
	case "returning":
		return wReturning
	case "right":
		return wRight
	case "rollback":
		return wRollback
	case "rowid":
		return wRowid
	case "savepoint":
		return wSavepoint
	case "select":
		return wSelect
	case "set":
		return wSet
	case "stored":
		return wStored
	case "strict":
		return wStrict
	case "table":
		return wTable
	case "temp":
		return wTemp
	case "temporary":
		return wTemporary
	case "then":
		return wThen
	case "timestamp":
		return wTimestamp
	case "to":
		return wTo
	case "transaction":
		return wTransaction
	case "trigger":
		return wTrigger
	case "union":
		return wUnion
	case "unique":
		return wUnique
	case "update":
		return wUpdate
	case "use":
		return wUse
	case "using":
		return wUsing
	case "vacuum":
		return wVacuum
	case "values":
		return wValues
	case "view":
		return wView
	case "virtual":
		return wVirtual
	case "when":
		return wWhen
	case "where":
		return wWhere
	case "window":
		return wWindow
	case "with":
		return wWith
	case "without":
		return wWithout
	}
	return noWord
}
