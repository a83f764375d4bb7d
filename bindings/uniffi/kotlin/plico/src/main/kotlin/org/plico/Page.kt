package org.plico

import org.plico.ffi.PlicoPage

/**
 * A part of a list of ids.
 *
 * @property items in the order of the ids, at most 1,024.
 * @property more whether there are more: ask again with the last of [items] as `after`.
 */
public data class Page(
    public val items: List<String>,
    public val more: Boolean,
) {
    internal companion object {
        fun ofCore(core: PlicoPage) = Page(core.items, core.more)
    }
}
