import { mount } from 'svelte';
import '../kit/kit.css';
import Lane from './Lane.svelte';

addEventListener('contextmenu', (event) => event.preventDefault());
addEventListener('dblclick', (event) => event.preventDefault());

const target = document.getElementById('page');
if (target !== null) mount(Lane, { target });
