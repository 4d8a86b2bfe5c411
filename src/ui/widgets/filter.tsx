import { Search } from 'lucide-react'
import { Icon } from './icon.tsx'
import './filter.css'

/** A search field over a table. */
export function Filter(props: { readonly label: string; readonly value: string; readonly onChange: (value: string) => void }) {
  return (
    <div className="filter">
      <Icon of={Search} size={12} />
      <input
        type="search"
        aria-label={props.label}
        placeholder={props.label}
        value={props.value}
        onChange={(e) => props.onChange(e.target.value)}
      />
    </div>
  )
}
